import type { JsonObject, JsonValue, RecordIssue } from '../peer-record.js';
import type { VCardVersion } from './card.js';
import { contactFields } from './contact-fields.js';
import { addressParts, isAddress, listProperties, type ListField } from './contact-properties.js';

/** What is wrong with fields to write into a card. */
export function contactIssues(fields: JsonObject, version: VCardVersion): RecordIssue[] {
  return Object.entries(fields).flatMap(([name, value]) => {
    const issues = fieldIssues(name, value);
    // In JSON a backslash is two. Version 2.1 has no escape for it, so it would consume what follows.
    if (issues.length > 0 || version !== '2.1') return issues;
    const hasBackslash = (own: JsonValue) => JSON.stringify(own).includes('\\\\');
    const paths = Array.isArray(value)
      ? value.flatMap((item, index) => (hasBackslash(item) ? [`${name}[${index}]`] : []))
      : hasBackslash(value)
        ? [name]
        : [];
    return paths.map((path) => wrong(path, 'INVALID', 'A card of version 2.1 holds no backslash.'));
  });
}

function fieldIssues(name: string, value: JsonValue): RecordIssue[] {
  const field = contactFields.find((known) => known.name === name);
  if (!field) return [wrong(name, 'UNKNOWN_FIELD', 'A contact has no such field.')];
  if (!field.writable) return [wrong(name, 'READ_ONLY', 'This field is set by the author of the card.')];
  if (value === null) return [];
  if (name in listProperties) return itemsIssues(name as ListField, value);
  if (name === 'categories') {
    if (!Array.isArray(value)) return [wrong(name, 'INVALID', 'Must be a list of texts.')];
    return value.flatMap((item, index) =>
      isText(item) && !item.includes(',')
        ? []
        : [wrong(`${name}[${index}]`, 'INVALID', 'Must be a text without commas and control characters.')],
    );
  }
  if (!isText(value)) return [wrong(name, 'INVALID', 'Must be a text without control characters.')];
  if (field.type === 'DATE' && !isDate(value)) return [wrong(name, 'INVALID', 'Must be a date such as 1980-03-22.')];
  return [];
}

function itemsIssues(field: ListField, value: JsonValue): RecordIssue[] {
  if (!Array.isArray(value)) return [wrong(field, 'INVALID', 'Must be a list.')];
  return value.flatMap((item, index) => {
    const path = `${field}[${index}]`;
    if (typeof item !== 'object' || item === null || Array.isArray(item))
      return [wrong(path, 'INVALID', 'Must be an object.')];
    return Object.entries(item)
      .filter(([name, part]) => !isItemPart(field, name, part))
      .map(([name]) => wrong(`${path}.${name}`, 'INVALID', 'Is unknown or of the wrong type.'));
  });
}

function isItemPart(field: ListField, name: string, value: JsonValue): boolean {
  if (name === 'types')
    return Array.isArray(value) && value.every((type) => typeof type === 'string' && /^[a-z0-9-]+$/.test(type));
  if (name === 'primary') return typeof value === 'boolean';
  const { part } = listProperties[field];
  // These are written unescaped, on one line.
  if (name === part)
    return isText(value) && value !== '' && !/[\r\n]/.test(value) && (name !== 'address' || isAddress(value));
  return (name === 'label' || (part === undefined && addressParts.some((own) => own === name))) && isText(value);
}

function isDate(value: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(Date.parse(value));
}

function isText(value: JsonValue): value is string {
  return typeof value === 'string' && !/[\0-\x08\v\f\x0e-\x1f\x7f]/.test(value);
}

function wrong(field: string, reason: string, message: string): RecordIssue {
  return { reason, message, field };
}
