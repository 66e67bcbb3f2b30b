import type { JsonObject } from '../peer-record.js';
import type { VCard, VCardParameter, VCardProperty } from './card.js';
import { listItem, readProperties, type ReadProperty } from './contact-of-card.js';
import { addressParts, listProperties, type ListField } from './contact-properties.js';
import { makeProperty } from './format-card.js';
import { escapeText } from './property-text.js';

/**
 * Gives a list field exactly these items, in their order. A property with the same value keeps its group and what else it
 * says; one with the same item keeps its lines; one that can't be read stays.
 */
export function editList(card: VCard, field: ListField, items: JsonObject[]): VCardProperty[] {
  const { property: name } = listProperties[field];
  const left = readProperties(card, name).filter((read) => listItem(card, field, read));
  const replaced = left.map(({ property }) => property);
  const groups = new GroupNames(card);
  const labels: VCardProperty[] = [];
  const properties = items.map((item) => {
    const at = left.findIndex((read) => valueOf(listItem(card, field, read)) === valueOf(item));
    const [kept] = at < 0 ? [] : left.splice(at, 1);
    if (kept && sameItem(listItem(card, field, kept), item)) return kept.property;
    const label = item['label'] as string | undefined;
    const group = label === undefined ? undefined : groups.next();
    if (label !== undefined) {
      labels.push(makeProperty({ name: 'X-ABLabel', group, text: escapeText(label, card.version) }, card.version));
    }
    return itemProperty(card, field, item, group ?? unlabelledGroup(card, kept), kept);
  });
  const place = card.properties.findIndex((property) => replaced.includes(property));
  const others = card.properties.filter((property) => !replaced.includes(property));
  const before = place < 0 ? others.length : place;
  const edited = [...others.slice(0, before), ...properties, ...labels, ...others.slice(before)];
  return edited.filter((property) => property.name !== 'X-ABLABEL' || hasCompany(property, edited));
}

/** A group that names no label stays, since other properties may belong to it. */
function unlabelledGroup(card: VCard, kept: ReadProperty | undefined): string | undefined {
  const group = kept?.property.group;
  const labelled = card.properties.some((property) => property.name === 'X-ABLABEL' && property.group === group);
  return labelled ? undefined : group;
}

function hasCompany(label: VCardProperty, properties: VCardProperty[]): boolean {
  return properties.some(({ name, group }) => group === label.group && name !== 'X-ABLABEL');
}

function itemProperty(
  card: VCard,
  field: ListField,
  item: JsonObject,
  group: string | undefined,
  kept: ReadProperty | undefined,
): VCardProperty {
  const { property: name, part } = listProperties[field];
  const text = (own: string) => (item[own] as string | undefined) ?? '';
  const escaped = (own: string) => escapeText(text(own), card.version);
  let value: string;
  if (part === undefined) value = addressParts.map(escaped).join(';');
  else if (part === 'url') value = text(part);
  else if (part === 'number' && isUri(kept)) value = `tel:${text(part)}`;
  else value = escaped(part);
  const others = kept?.property.parameters.filter((own) => own.name !== 'TYPE' && own.name !== 'PREF') ?? [];
  return makeProperty(
    { name, group, parameters: [...typeParameters(card, item), ...others], text: value },
    card.version,
  );
}

function isUri(kept: ReadProperty | undefined): boolean {
  return kept?.property.parameters.some(({ name }) => name === 'VALUE') ?? false;
}

function typeParameters(card: VCard, item: JsonObject): VCardParameter[] {
  const types = [...((item['types'] as string[] | undefined) ?? [])];
  const primary = item['primary'] === true;
  if (primary && card.version !== '4.0') types.push('pref');
  return [
    ...types.map((value) => ({ name: 'TYPE', value })),
    ...(primary && card.version === '4.0' ? [{ name: 'PREF', value: '1' }] : []),
  ];
}

/** Names of groups that the card does not have. */
class GroupNames {
  readonly #taken: Set<string | undefined>;

  constructor(card: VCard) {
    this.#taken = new Set(card.properties.map(({ group }) => group));
  }

  next(): string {
    let number = 1;
    while (this.#taken.has(`item${number}`)) number += 1;
    this.#taken.add(`item${number}`);
    return `item${number}`;
  }
}

/** What the value of the property says, without types, label and preference. */
function valueOf(item: JsonObject | undefined): string {
  const entries = Object.entries(item ?? {}).filter(([name]) => !['types', 'label', 'primary'].includes(name));
  return JSON.stringify(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
}

function sameItem(one: JsonObject | undefined, other: JsonObject): boolean {
  const normal = (item: JsonObject) =>
    JSON.stringify([valueOf(item), item['types'] ?? [], item['label'] ?? null, item['primary'] === true]);
  return one !== undefined && normal(one) === normal(other);
}
