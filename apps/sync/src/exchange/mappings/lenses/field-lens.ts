import { isDeepStrictEqual } from 'node:util';
import type { JsonValue } from '../../../connectors/peer-record.js';
import type { FieldRule } from '../field-rule.js';
import { cardItems, cardList, customerItems, isContactList, type ContactList } from './contact-list.js';
import { isObject } from './field-values.js';
import type { FieldLens } from './lens.js';
import { postalAddressLens } from './postal-address.js';

/** The lens of a rule without JSONata. */
export function fieldLens({ customerField, transform }: FieldRule): FieldLens {
  switch (transform) {
    case 'NONE':
      return plain;
    case 'TRIM':
      return textLens((text) => text.trim());
    case 'LOWER_CASE':
      return textLens((text) => text.toLowerCase());
    case 'CONTACT_LIST':
      return customerField === 'addresses' ? postalAddressLens : contactListLens(listOf(customerField));
    case 'FIRST_OF_LIST':
      return firstOfListLens(listOf(customerField));
    case 'COMMA_LIST':
      return commaListLens;
    default:
      return transform satisfies never;
  }
}

const plain: FieldLens = {
  ofCustomer: (value) => value,
  ofPeer: (value) => value,
  toCustomer: (view) => view,
  toPeer: (view) => view,
};

/** Texts that are compared in a normalised form. Values that are equal in that form stay as they are written. */
function textLens(form: (text: string) => string): FieldLens {
  const view = (value: JsonValue) => (typeof value === 'string' ? form(value) || null : value);
  const keep = (wanted: JsonValue, current: JsonValue) => (view(current) === wanted ? current : wanted);
  return { ofCustomer: view, ofPeer: view, toCustomer: keep, toPeer: keep };
}

function contactListLens(list: ContactList): FieldLens {
  return {
    ofCustomer: (value) => orNull(customerItems(list, value)),
    ofPeer: (value) => orNull(cardItems(list, value)),
    toCustomer: (view) => view,
    toPeer: (view, current) => orNull(cardList(list, view, current)),
  };
}

function firstOfListLens(list: ContactList): FieldLens {
  const key = list === 'emails' ? 'address' : 'number';
  return {
    ...plain,
    ofCustomer: (value) => {
      const first = Array.isArray(value) ? value[0] : undefined;
      return isObject(first) ? (first[key] ?? null) : null;
    },
    toCustomer: (view, current) => {
      const [first, ...others] = Array.isArray(current) ? current : [];
      if (view === null) return orNull(others);
      return [{ ...(isObject(first) ? first : {}), [key]: view }, ...others];
    },
  };
}

/** A backslash escapes a comma or a backslash. An equal list stays as it is written. */
const commaListLens: FieldLens = {
  ...plain,
  ofPeer: (value) => {
    const escaped = typeof value === 'string' ? (value.match(/(?:\\[,\\]|[^,])+/g) ?? []) : [];
    const texts = escaped.map((part) => part.trim().replace(/\\([,\\])/g, '$1'));
    return orNull([...new Set(texts.filter(Boolean))]);
  },
  toPeer: (view, current) => {
    if (!Array.isArray(view)) return null;
    if (isDeepStrictEqual(commaListLens.ofPeer(current), view)) return current;
    const texts = view.filter((part) => typeof part === 'string');
    return texts.map((text) => text.replace(/[,\\]/g, '\\$&')).join(', ');
  },
};

/** @throws Error for a rule that was not validated */
function listOf(customerField: string): ContactList {
  if (isContactList(customerField)) return customerField;
  throw new Error(`${customerField} is no list of contact data.`);
}

function orNull(value: JsonValue): JsonValue {
  return Array.isArray(value) && value.length === 0 ? null : value;
}
