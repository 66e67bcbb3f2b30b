import { isDeepStrictEqual } from 'node:util';
import type { JsonObject, JsonValue } from '../../../connectors/peer-record.js';
import { labelOf, preferredFirst, withLabel } from './contact-list.js';
import { countryCode, countryName } from './country.js';
import { isObject } from './field-values.js';
import type { FieldLens, ValueFault } from './lens.js';

/** The components of a card's address (RFC 6350 §6.3.1) that make up the street of a customer's address, in their order. */
const streetLines = ['poBox', 'extended', 'street'] as const;

/** Addresses of a customer and of a card. The view of a country is its code; of an unknown one, its name. */
export const postalAddressLens: FieldLens = {
  ofCustomer: (value) => orNull(items(value)),
  ofPeer: (value) => orNull(preferredFirst(items(value)).map(ofCard)),
  toCustomer: (view) => view,
  toPeer: (view, current) => orNull(cardAddresses(items(view), items(current))),
  faults: (view) =>
    items(view).flatMap((address, index): ValueFault[] =>
      typeof address['country'] === 'string' ? [{ index, description: unknownCountry }] : [],
    ),
};

/** The country of a customer, and a text with its code or name. */
export const countryLens: FieldLens = {
  ofCustomer: (value) => value,
  ofPeer: (value) => (typeof value === 'string' ? (countryCode(value) ?? value) : value),
  toCustomer: (view) => view,
  toPeer: (view, current) => (view !== null && countryLens.ofPeer(current) === view ? current : view),
  faults: (view) =>
    typeof view === 'string' && countryCode(view) === undefined ? [{ description: unknownCountry }] : [],
};

const unknownCountry = 'names a country that is not known: write its ISO 3166-1 code or its name.';

function ofCard(item: JsonObject): JsonObject {
  const text = (name: string) => (typeof item[name] === 'string' ? item[name].trim() : '');
  const street = streetLines.map(text).filter(Boolean).join('\n');
  const country = text('country');
  const code = countryCode(country);
  const label = item['label'] ?? labelOf(item['types']);
  const address = {
    ...{ street, city: text('city'), state: text('state'), postalCode: text('postalCode') },
    ...(code === undefined ? { country } : { countryCode: code }),
    ...(typeof label === 'string' && { label }),
  };
  return Object.fromEntries(Object.entries(address).filter(([, part]) => part !== ''));
}

/** An equal address stays as it is written, and so do the unchanged parts of an edited one. */
function cardAddresses(wanted: JsonObject[], current: JsonObject[]): JsonObject[] {
  const left = [...current];
  const marks = left.some(({ primary }) => primary === true);
  const taken = wanted.map((view) => take(left, (own) => isDeepStrictEqual(ofCard(own), view)));
  const similar = wanted.map((view, place) => taken[place] ?? take(left, (own) => isAlike(ofCard(own), view)));
  return wanted.map((view, place) => {
    const made = taken[place] ?? cardAddress(view, similar[place]);
    const { primary: _primary, ...rest } = made;
    return marks && place === 0 ? { ...rest, primary: true } : rest;
  });
}

/** Whether one address may be the other after an edit: the place or the label is the same. */
function isAlike(one: JsonObject, other: JsonObject): boolean {
  const isSame = (name: string) => one[name] !== undefined && one[name] === other[name];
  return isSame('street') || isSame('postalCode') || isSame('label');
}

function cardAddress(view: JsonObject, before: JsonObject = {}): JsonObject {
  const { street, countryCode: code, label, ...rest } = view;
  const seen = ofCard(before);
  const kept = Object.fromEntries(
    streetLines.flatMap((name) => (before[name] === undefined ? [] : [[name, before[name]]])),
  );
  return {
    ...rest,
    ...(seen['street'] === street ? kept : street !== undefined && { street }),
    ...(code !== undefined && code === seen['countryCode']
      ? { country: before['country'] ?? '' }
      : typeof code === 'string' && { country: countryName(code) }),
    ...withLabel(before, label),
  };
}

function take(left: JsonObject[], fits: (item: JsonObject) => boolean): JsonObject | undefined {
  const place = left.findIndex(fits);
  return place < 0 ? undefined : left.splice(place, 1)[0];
}

function items(value: JsonValue): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function orNull(list: JsonObject[]): JsonValue {
  return list.length === 0 ? null : list;
}
