import type { CustomFields } from '../../fields/custom-fields.js';
import { CustomFields as Definitions } from '../../fields/custom-fields.js';
import type { RecordMessage } from '../../fields/record-definition.js';
import type { RecordType } from '../../fields/record-type.js';
import { uniqueValues, type UniqueValue } from '../../records/unique-values.js';
import { itemSeparators } from '../../values/cell-items.js';
import { onceFor } from '../../values/once-for.js';
import { formatTarget } from '../columns/import-target.js';
import type { ImportTarget, MappedRow, NamedReference } from '../import-rules.js';
import { cellId, cellItems, cellText, property } from '../rows/cell-value.js';
import { putCustomCell } from '../rows/custom-cell.js';
import { isoDay } from '../rows/read-day.js';
import type { RowDefaults } from '../rows/row-defaults.js';
import { cellLeftOut, type RowIssue } from '../rows/row-issue.js';
import { keyLabels, type DerivedField } from './derived-fields.js';

type Values = Record<string, unknown>;

/** Context for reading the cells of a row. */
interface Reading {
  type: RecordType;
  fields: ReadonlyMap<string, DerivedField>;
  defaults: RowDefaults;
  customFields: CustomFields;
}

/** The values of a row so far. An absent value is undefined, even where the contract has an empty one. */
interface Draft {
  values: Values;
  issues: RowIssue[];
  named: NamedReference[];
  /** ISO 4217 code of the row's amounts without a currency. */
  currency?: string | undefined;
  /** Amounts without a currency, by the names of their fields. */
  bareAmounts: [target: ImportTarget, name: string, amount: string][];
  /** The fields of the type, for the names in issues. */
  fields: ReadonlyMap<string, DerivedField>;
}

/** Moves the cells of a row to their target fields, by the contract of their type. */
export function readDerivedRow(
  cells: Iterable<[target: ImportTarget, value: unknown]>,
  reading: Reading,
): MappedRow<RecordMessage> {
  const draft: Draft = {
    values: newValues(reading.type),
    issues: [],
    named: [],
    bareAmounts: [],
    fields: reading.fields,
  };
  for (const [target, value] of cells) {
    const field = reading.fields.get(target.field);
    if (field) put(draft, target, field, value, reading);
  }
  putBareAmounts(draft, reading.defaults.currency);
  return { record: draft.values as unknown as RecordMessage, issues: draft.issues, named: draft.named };
}

/** The fields of an empty row, and the list fields among them. */
const emptyRows = onceFor((type: RecordType) => {
  const names = type.contract.fields.map(({ name }) => name);
  const lists = type.contract.fields.filter(({ desc }) => desc.fieldKind === 'list').map(({ name }) => name);
  return { values: { ...Object.fromEntries(names.map((name) => [name, undefined])), id: '' }, lists };
});

function newValues(type: RecordType): Values {
  const { values, lists } = emptyRows(type);
  const made: Values = { ...values };
  for (const name of lists) made[name] = [];
  return made;
}

function put(draft: Draft, target: ImportTarget, field: DerivedField, value: unknown, reading: Reading): void {
  const { values, issues } = draft;
  const readDay = reading.defaults.readDay ?? isoDay;
  switch (field.kind) {
    case 'ID':
      values['id'] = cellId(value) ?? values['id'];
      return;
    case 'CUSTOM_FIELDS': {
      const { customFields } = reading;
      issues.push(...putCustomCell(values, target.label, value, { customFields, readDay }));
      return;
    }
    case 'EXTERNAL_ID':
      return putExternalIds(draft, target, field, value, reading.defaults);
    case 'VALUE':
      return putValue(draft, target, field, value, readDay);
    case 'MONEY':
      return putMoney(draft, target, field, value, readDay);
    case 'CURRENCY':
      draft.currency ??= textOf(draft, target, value)?.toUpperCase();
      return;
    case 'TEXTS':
      return eachText(draft, target, value, itemSeparators.tag, (text) => listOf(draft, field).push(text));
    case 'ITEMS':
      return putItems(draft, target, field, value, readDay);
    case 'NAMED':
    case 'USER':
      return putName(draft, target, field, value);
    default:
      field satisfies never;
  }
}

function listOf({ values }: Draft, { name }: DerivedField): unknown[] {
  return values[name] as unknown[];
}

function putValue(
  draft: Draft,
  target: ImportTarget,
  { name, noun, read }: DerivedField & { kind: 'VALUE' },
  value: unknown,
  readDay: (text: string) => string,
): void {
  const cell = read(value, readDay);
  if (cell !== undefined) draft.values[name] ??= cell;
  else if (cellText(value) !== undefined) draft.issues.push(wrongCell(draft, target, value, `is not ${noun}`));
}

function putMoney(
  draft: Draft,
  target: ImportTarget,
  { name, read }: DerivedField & { kind: 'MONEY' },
  value: unknown,
  readDay: (text: string) => string,
): void {
  const money = read(value, readDay);
  if (money?.currencyCode === '') draft.bareAmounts.push([target, name, money.amount]);
  else if (money) draft.values[name] ??= money;
  else if (cellText(value) !== undefined) draft.issues.push(wrongAmount(draft, target, value));
}

/** Amounts get the currency of their row, which may follow them, or else that of the workspace. */
function putBareAmounts(draft: Draft, ofWorkspace: string | undefined): void {
  const currencyCode = draft.currency ?? ofWorkspace;
  for (const [target, name, amount] of draft.bareAmounts) {
    if (currencyCode === undefined) draft.issues.push(wrongAmount(draft, target, amount));
    else draft.values[name] ??= { amount, currencyCode };
  }
}

function wrongAmount(draft: Draft, target: ImportTarget, value: unknown): RowIssue {
  return wrongCell(draft, target, value, 'is not an amount such as 12.50 EUR');
}

function putExternalIds(
  draft: Draft,
  target: ImportTarget,
  field: DerivedField,
  value: unknown,
  defaults: RowDefaults,
) {
  for (const item of cellItems(value)) {
    const isObject = typeof item === 'object' && item !== null && Object.hasOwn(item, 'value');
    const text = textOf(draft, target, isObject ? property(item, 'value') : item);
    const system = property(item, 'system') ?? target.label ?? defaults.externalIdSystem;
    if (text !== undefined) listOf(draft, field).push({ system, value: text });
  }
}

function putItems(
  draft: Draft,
  target: ImportTarget,
  field: DerivedField & { kind: 'ITEMS' },
  value: unknown,
  readDay: (text: string) => string,
): void {
  const named = target.label === undefined ? undefined : field.targetOf?.(target.label);
  if (named) {
    return eachText(draft, target, value, itemSeparators.tag, (text) => {
      const key = keyOf(named.type, named.label, text);
      draft.named.push({ by: 'KEY', field: field.name, isListed: true, target: named.type, value: key, text });
    });
  }
  for (const item of cellItems(value, itemSeparators.tag)) {
    const { part } = field;
    const isText = part !== undefined && typeof item !== 'object';
    const text = isText ? textOf(draft, target, item) : undefined;
    if (isText && text === undefined) continue;
    const read = field.read(isText ? { [part]: text } : item, readDay);
    if (read !== undefined) listOf(draft, field).push(read);
    else if (cellText(item) !== undefined) draft.issues.push(wrongCell(draft, target, item, 'is not an object'));
  }
}

function putName(
  draft: Draft,
  target: ImportTarget,
  field: DerivedField & { kind: 'NAMED' | 'USER' },
  value: unknown,
): void {
  const text = textOf(draft, target, value);
  if (text === undefined) return;
  const named = { field: field.name, isRequired: field.isRequired, text };
  if (field.kind === 'USER') draft.named.push({ ...named, by: 'USER' });
  else if (target.label === undefined) draft.named.push({ ...named, by: 'NAME', target: field.target() });
  else {
    const type = field.target();
    draft.named.push({ ...named, by: 'KEY', target: type, value: keyOf(type, target.label, text) });
  }
}

/** A unique value in the form in which it is stored. */
export function keyOf(type: RecordType, label: string, text: string): UniqueValue | undefined {
  const [, system] = /^external_id\.(.+)$/.exec(label) ?? [];
  const unique = keyLabels(type).get(system === undefined ? label : 'external_id.');
  if (!unique) return undefined;
  const { field, part, isList } = unique;
  const item = part === undefined ? text : { [part]: text, ...(system !== undefined && { system }) };
  const record = { ...type.empty(), [field]: isList ? [item] : item };
  const normalised = type.definition.normalise(record, noDefinitions);
  return uniqueValues(type, normalised.record).find(({ type: key }) => key === unique.key);
}

const noDefinitions = new Definitions([]);

function eachText(
  draft: Draft,
  target: ImportTarget,
  value: unknown,
  separator: RegExp,
  take: (text: string) => void,
): void {
  for (const item of cellItems(value, separator)) {
    const text = textOf(draft, target, item);
    if (text !== undefined) take(text);
  }
}

function textOf(draft: Draft, target: ImportTarget, value: unknown): string | undefined {
  const text = cellText(value);
  if (text !== null) return text;
  draft.issues.push(wrongCell(draft, target, value, 'is not a text'));
  return undefined;
}

function wrongCell(draft: Draft, target: ImportTarget, value: unknown, why: string): RowIssue {
  return cellLeftOut(formatTarget(draft, target), value, 'VALUE_INVALID', why);
}
