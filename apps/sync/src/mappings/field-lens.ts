import type { JsonValue } from '../connectors/peer-record.js';
import { cardItems, cardList, customerItems, isContactList, type ContactList } from './contact-list.js';
import type { FieldRule } from './field-rule.js';
import { isObject } from './field-values.js';

/**
 * How one field is seen from both sides. What a view gives is what the sides are compared and merged by; null is none. What puts
 * a view back keeps whatever the view does not show.
 */
export interface FieldLens {
  ofCustomer: (value: JsonValue) => JsonValue;
  ofPeer: (value: JsonValue) => JsonValue;
  toCustomer: (view: JsonValue, current: JsonValue) => JsonValue;
  toPeer: (view: JsonValue, current: JsonValue) => JsonValue;
}

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
      return contactListLens(listOf(customerField));
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

/** Texts that are compared in one form. What is the same in that form stays as it was written. */
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

const commaListLens: FieldLens = {
  ...plain,
  ofPeer: (value) => {
    const parts = typeof value === 'string' ? value.split(',').map((part) => part.trim()) : [];
    return orNull([...new Set(parts.filter(Boolean))]);
  },
  toPeer: (view) => (Array.isArray(view) ? view.filter((part) => typeof part === 'string').join(', ') : null),
};

/** @throws Error for a rule that was not checked */
function listOf(customerField: string): ContactList {
  if (isContactList(customerField)) return customerField;
  throw new Error(`${customerField} is no list of contact data.`);
}

function orNull(value: JsonValue): JsonValue {
  return Array.isArray(value) && value.length === 0 ? null : value;
}
