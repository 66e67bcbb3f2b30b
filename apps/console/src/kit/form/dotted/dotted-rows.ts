import { find, labels, t } from '../../../app/language.ts';
import { words } from '../../../app/labels.ts';
import { theContract, type Field } from '../../../contract/contract.ts';
import { textAt } from '../../../contract/json.ts';
import { useFirst } from '../choices.ts';

/** What can be done with one thing, or happen to it: `customers.read`, `customer.created`. */
export interface DottedRow {
  /** What is before the dot. Empty for a value without one. */
  id: string;
  name: string;
  /** What is behind the dot; `*` stands for all. */
  verbs: readonly string[];
}

/** What a dotted value is: a permission, or a type of events. */
export type DottedCode = 'permission' | 'eventType';

export function isDotted({ code, list }: Field): boolean {
  return list === true && (code === 'permission' || code === 'eventType');
}

/** The usual ones first. */
const verbOrder = ['*', 'read', 'write', 'configure'];

export function verbName(verb: string): string {
  return find(`dotted.${verb}`) ?? words(verb);
}

export function dotted({ id }: DottedRow, verb: string): string {
  return id === '' ? verb : `${id}.${verb}`;
}

/** Whether one value includes another: `*` all, and `deal.*` all of deals. */
export function covers(one: string, other: string): boolean {
  return one !== other && (one === '*' || (one.endsWith('.*') && other.startsWith(one.slice(0, -1))));
}

/** All that can be chosen, in the order of the names. A workspace's own objects have permissions of their own. */
export function useDottedRows(code: DottedCode): DottedRow[] {
  const objects = useFirst('customObjects');
  if (code === 'eventType') return eventRows();
  const own = objects.map((object) => ({
    id: `objects.${textAt(object, 'key')}`,
    name: textAt(object, 'displayNamePlural'),
    verbs: ['read', 'write'],
  }));
  return [...permissionRows(theContract().permissions), ...own].toSorted(byName);
}

/** Values as rows, also those that nobody can choose any more. */
export function rowsOf(code: DottedCode, values: readonly string[]): DottedRow[] {
  return (code === 'permission' ? permissionRows(values) : [...verbsById(values)].map(eventRow)).toSorted(byName);
}

function permissionRows(values: readonly string[]): DottedRow[] {
  return [...verbsById(values)].map(([id, verbs]) => ({ id, verbs, name: areaName(id) }));
}

/** The name of what is before the dot: of a collection, or of one of the few areas that are none. */
function areaName(area: string): string {
  return find(`area.${area}`) ?? labels.resource(area);
}

function eventRows(): DottedRow[] {
  const rows = theContract().feedTypes.map((type) => eventRow([type, eventVerbs(type)]));
  return [eventRow(['', ['*']]), ...[...rows, eventRow(['webhook_endpoint', ['disabled']])].toSorted(byName)];
}

function eventRow([id, verbs]: [string, readonly string[]]): DottedRow {
  return { id, verbs, name: id === '' ? t('dotted.everything') : areaName(resourceOf(id)?.name ?? id) };
}

/** What happens to records of a type, by its operations. */
function eventVerbs(type: string): string[] {
  const resource = resourceOf(type);
  return [
    ...['*', 'created', 'updated'],
    ...(resource?.delete === undefined ? [] : ['deleted']),
    ...(resource?.undelete === undefined ? [] : ['undeleted']),
    ...(resource?.verbs.some((id) => id.startsWith('merge')) ? ['merged'] : []),
  ];
}

/** Types are written as `price_book` in the feed. */
function resourceOf(type: string) {
  const singular = type.replace(/_[a-z]/g, ([, letter = '']) => letter.toUpperCase());
  return theContract().resources.find((resource) => resource.singular === singular);
}

function verbsById(values: readonly string[]): Map<string, string[]> {
  const rows = Map.groupBy(values, (value) => value.slice(0, Math.max(0, value.lastIndexOf('.'))));
  const verbsOf = (all: readonly string[]) => all.map((value) => value.slice(value.lastIndexOf('.') + 1));
  return new Map([...rows].map(([id, all]) => [id, verbsOf(all).toSorted((one, other) => rank(one) - rank(other))]));
}

function rank(verb: string): number {
  const place = verbOrder.indexOf(verb);
  return place < 0 ? verbOrder.length : place;
}

function byName(one: DottedRow, other: DottedRow): number {
  return one.name.localeCompare(other.name);
}
