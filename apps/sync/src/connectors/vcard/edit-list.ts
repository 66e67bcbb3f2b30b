import type { JsonObject } from '../peer-record.js';
import { parameterValues, type VCard, type VCardParameter, type VCardProperty } from './card.js';
import { groupLabel, listItem, readProperties, type ReadProperty } from './contact-of-card.js';
import { addressParts, listProperties, technicalTypes, type ListField } from './contact-properties.js';
import { makeProperty } from './format-card.js';
import { escapeText } from './property-text.js';
import { isSameValue } from './same-value.js';

/** Properties with a group label. */
const labelled = ['EMAIL', 'TEL', 'ADR', 'URL', 'IMPP', 'X-ABDATE', 'X-ABRELATEDNAMES', 'X-SOCIALPROFILE'];

/**
 * Gives a list field exactly these items, in order. A property with the same item keeps its lines; one whose item was
 * edited keeps its group and other content; an unreadable one stays.
 */
export function editList(card: VCard, field: ListField, items: JsonObject[]): VCardProperty[] {
  const { property: name } = listProperties[field];
  const read = readProperties(card, name).filter((own) => listItem(card, field, own));
  const replaced = read.map(({ property }) => property);
  const kept = keptProperties(card, field, items, read);
  const groups = new GroupNames(card);
  const labels = new Labels(card);
  const properties = items.map((item, place) => {
    const before = kept[place];
    if (before && sameItem(listItem(card, field, before), item)) return before.property;
    return itemProperty(card, field, item, labels.groupOf(before, item['label'], groups), before);
  });
  const place = card.properties.findIndex((property) => replaced.includes(property));
  const others = card.properties.filter((property) => !replaced.includes(property));
  const before = place < 0 ? others.length : place;
  const edited = [...others.slice(0, before), ...properties, ...labels.made, ...others.slice(before)];
  const ofReplaced = new Set(replaced.map(({ group }) => group));
  return edited.filter(
    (property) =>
      property.name !== 'X-ABLABEL' ||
      (!labels.gone.includes(property) && (!ofReplaced.has(property.group) || hasCompany(property, edited))),
  );
}

/** The former property of each item: the one with its value, else one with the same value in another format, or the edited one. */
function keptProperties(
  card: VCard,
  field: ListField,
  items: JsonObject[],
  read: ReadProperty[],
): (ReadProperty | undefined)[] {
  const left = [...read];
  const take = (fits: (item: JsonObject) => boolean) => {
    const at = left.findIndex((own) => fits(listItem(card, field, own) ?? {}));
    return at < 0 ? undefined : left.splice(at, 1)[0];
  };
  const exact = items.map((item) => take((own) => valueOf(own) === valueOf(item)));
  const isSame = (own: JsonObject, item: JsonObject) =>
    field === 'addresses' ? isEdited(own, item) : isSameValue(field, own, item);
  return items.map((item, place) => exact[place] ?? take((own) => isSame(own, item)));
}

/** Whether an address may be another one after an edit: its label or its place is the same. */
function isEdited(one: JsonObject, other: JsonObject): boolean {
  const isSame = (name: string) => one[name] !== undefined && JSON.stringify(one[name]) === JSON.stringify(other[name]);
  return ['street', 'postalCode', 'label', 'types'].some(isSame);
}

/** The labels of groups that belong to one property each. */
class Labels {
  readonly made: VCardProperty[] = [];
  readonly gone: VCardProperty[] = [];

  constructor(private readonly card: VCard) {}

  /** The group that gives a property this label. Keeps its group if possible, since other properties may belong to it. */
  groupOf(
    before: ReadProperty | undefined,
    label: JsonObject[string] | undefined,
    groups: GroupNames,
  ): string | undefined {
    const group = before?.property.group;
    if (before && groupLabel(this.card, before.property) === label) return group;
    const old = this.card.properties.find(
      (own) => own.name === 'X-ABLABEL' && own.group === group && group !== undefined,
    );
    const isShared = this.card.properties.some(
      (own) => own !== before?.property && own.group === group && labelled.includes(own.name),
    );
    if (typeof label !== 'string') {
      if (old && isShared) return undefined;
      if (old) this.gone.push(old);
      return group;
    }
    const own = group === undefined || isShared ? groups.next() : group;
    if (old && own === group) this.gone.push(old);
    const { version } = this.card;
    this.made.push(makeProperty({ name: 'X-ABLabel', group: own, text: escapeText(label, version) }, version));
    return own;
  }
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
  const isUri = part === 'number' && hasUri(kept) && isTelUri(text(part));
  let value: string;
  if (part === undefined) value = addressParts.map(escaped).join(';');
  else if (part === 'url') value = text(part);
  else if (isUri) value = `tel:${text(part)}`;
  else value = escaped(part);
  const dropped = [
    ...['TYPE', ...(item['primary'] === true ? ['PREF'] : [])],
    ...(part === 'number' && !isUri ? ['VALUE'] : []),
    // Geographical parameters of the former address.
    ...(part === undefined ? ['LABEL', 'GEO'] : []),
  ];
  const others = (kept?.property.parameters ?? []).filter(
    (own) => !dropped.includes(own.name) && !(own.name === 'PREF' && own.value === '1'),
  );
  return makeProperty(
    { name, group, parameters: [...typeParameters(card, item, kept), ...others], text: value },
    card.version,
  );
}

function hasUri(kept: ReadProperty | undefined): boolean {
  return kept?.property.parameters.some(({ name }) => name === 'VALUE') ?? false;
}

/** RFC 3966 allows no spaces. */
function isTelUri(number: string): boolean {
  return /^[+\d().;=a-z-]+$/i.test(number);
}

/** Types that are no label, such as `internet`, stay. */
function typeParameters(card: VCard, item: JsonObject, kept: ReadProperty | undefined): VCardParameter[] {
  const technical = kept ? parameterValues(kept.property, 'TYPE').filter((type) => technicalTypes.includes(type)) : [];
  const own = technical.filter((type) => type !== 'pref');
  const types = [...own, ...((item['types'] as string[] | undefined) ?? [])];
  const primary = item['primary'] === true;
  if (primary && card.version !== '4.0') types.push('pref');
  return [
    ...types.map((value) => ({ name: 'TYPE', value })),
    ...(primary && card.version === '4.0' ? [{ name: 'PREF', value: '1' }] : []),
  ];
}

/** Names of groups that are unused in the card. */
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

/** The value of the property, without types, label and preference. */
function valueOf(item: JsonObject | undefined): string {
  const entries = Object.entries(item ?? {}).filter(([name]) => !['types', 'label', 'primary'].includes(name));
  return JSON.stringify(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
}

function sameItem(one: JsonObject | undefined, other: JsonObject): boolean {
  const normal = (item: JsonObject) =>
    JSON.stringify([valueOf(item), item['types'] ?? [], item['label'] ?? null, item['primary'] === true]);
  return one !== undefined && normal(one) === normal(other);
}
