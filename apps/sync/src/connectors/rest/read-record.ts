import { contentVersion } from '../values/content-version.js';
import type { ReadItem } from '../connector.js';
import type { JsonObject } from '../peer-record.js';
import { ExactNumber, formatExact, valueAt, type ExactValue } from './exact-json.js';
import type { Api } from './find-api.js';
import { readValue } from './record-value.js';

export type RecordItem = Extract<ReadItem, { kind: 'RECORD' | 'UNREADABLE' }>;

/** A record from the service's JSON. Its version is a hash of all fields in the document. */
export function readRecord({ fields, id: idField }: Api, sent: ExactValue): RecordItem {
  const id = idText(valueAt(sent, idField.name));
  if (id === undefined || isPathStep(id)) {
    const message = `The record has no id in ${idField.name}.`;
    return { kind: 'UNREADABLE', issues: [{ reason: 'NO_ID', message, field: idField.name }] };
  }
  const values: JsonObject = {};
  for (const field of fields) {
    const value = valueAt(sent, field.name);
    if (value === undefined || value === null || field.type === 'UNSUPPORTED') continue;
    const read = readValue(field, value);
    if (read === undefined) {
      const message = `The document says that it is ${field.declaredType}, and it has another shape.`;
      return { kind: 'UNREADABLE', id, issues: [{ reason: 'WRONG_TYPE', message, field: field.name }] };
    }
    values[field.name] = read;
  }
  const version = contentVersion(fields.map(({ name }) => formatExact(valueAt(sent, name) ?? null)));
  return { kind: 'RECORD', record: { id, version, fields: values } };
}

/** Whether an id in the path of a URL is another resource, however it is encoded. */
export function isPathStep(id: string): boolean {
  return id === '.' || id === '..';
}

/** Undefined for anything that is no id. */
export function idText(value: ExactValue | undefined): string | undefined {
  if (value instanceof ExactNumber) return value.text;
  return typeof value === 'string' && value !== '' ? value : undefined;
}
