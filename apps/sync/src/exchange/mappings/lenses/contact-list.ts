import { isDeepStrictEqual } from 'node:util';
import type { JsonObject, JsonValue } from '../../../connectors/peer-record.js';
import { isSameValue } from '../../../connectors/vcard/same-value.js';
import { isObject } from './field-values.js';

/** Identity of an item of a list: an address or a number. */
const keys = { emails: 'address', phones: 'number' } as const;

export type ContactList = keyof typeof keys;

export function isContactList(field: string): field is ContactList {
  return field in keys;
}

/** Types of vCards by label of customers. The first type of a card that is here is its label. */
const labels: Readonly<Record<string, string>> = {
  ...{ cell: 'mobile', fax: 'fax', pager: 'pager' },
  ...{ work: 'work', home: 'home' },
};

/** The items of a customer's list of contact data, with value and label. */
export function customerItems(list: ContactList, value: JsonValue): JsonValue {
  return items(value).map((item) => contactItem(list, item[keys[list]], item['label']));
}

/** The items of a card's list, the preferred one first. */
export function cardItems(list: ContactList, value: JsonValue): JsonValue {
  return preferredFirst(items(value)).map((item) =>
    contactItem(list, item[keys[list]], item['label'] ?? labelOf(item['types'])),
  );
}

/** A card's list that equals the customer's. Equal items stay as they are written. */
export function cardList(list: ContactList, wanted: JsonValue, current: JsonValue): JsonValue {
  const left = items(current);
  const marks = left.some(isPrimary);
  const views = items(wanted);
  const exact = views.map((item) => take(left, (own) => isDeepStrictEqual(first(cardItems(list, [own])), item)));
  return views.map((item, place) => {
    // The card may format a number differently.
    const made =
      exact[place] ??
      cardItem(
        list,
        item,
        take(left, (own) => isSameValue(list, own, item)),
      );
    const { primary: _, ...rest } = made;
    return marks && place === 0 ? { ...rest, primary: true } : rest;
  });
}

/** The items of a card's list, the preferred one first. */
export function preferredFirst(all: JsonObject[]): JsonObject[] {
  return [...all.filter(isPrimary), ...all.filter((item) => !isPrimary(item))];
}

function contactItem(list: ContactList, key: JsonValue | undefined, label: JsonValue | undefined): JsonObject {
  const text = typeof key === 'string' ? key : '';
  const name = list === 'emails' ? text.replace(/@[^@]*$/, (domain) => domain.toLowerCase()) : text;
  return { [keys[list]]: name, ...(typeof label === 'string' && label !== '' && { label }) };
}

function cardItem(list: ContactList, item: JsonObject, before: JsonObject | undefined): JsonObject {
  const { label: _label, types: _types, primary: _primary, ...rest } = before ?? {};
  return { ...rest, [keys[list]]: item[keys[list]] ?? '', ...withLabel(before, item['label']) };
}

/** The parameters of an item of a card with this label. Types that are no label, such as `voice`, stay. */
export function withLabel(before: JsonObject = {}, label: JsonValue | undefined): JsonObject {
  const types = Array.isArray(before['types']) ? before['types'] : [];
  if ((before['label'] ?? labelOf(types)) === label) {
    return {
      ...(types.length > 0 && { types }),
      ...(typeof before['label'] === 'string' && { label: before['label'] }),
    };
  }
  const type = Object.keys(labels).find((own) => labels[own] === label);
  const others = types.filter((own) => typeof own === 'string' && labels[own] === undefined);
  const all = [...(type === undefined ? [] : [type]), ...others];
  return {
    ...(all.length > 0 && { types: all }),
    ...(typeof label === 'string' && type === undefined && { label }),
  };
}

/** The label that the types of an item of a card stand for. */
export function labelOf(types: JsonValue | undefined): string | undefined {
  const given = Array.isArray(types) ? types : [];
  const type = Object.keys(labels).find((own) => given.includes(own));
  return type === undefined ? undefined : labels[type];
}

function take(left: JsonObject[], fits: (item: JsonObject) => boolean): JsonObject | undefined {
  const place = left.findIndex(fits);
  return place < 0 ? undefined : left.splice(place, 1)[0];
}

function isPrimary(item: JsonObject): boolean {
  return item['primary'] === true;
}

function first(value: JsonValue): JsonValue | undefined {
  return Array.isArray(value) ? value[0] : undefined;
}

function items(value: JsonValue): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
