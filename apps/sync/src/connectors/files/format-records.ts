import { csvLine } from '@rapport/platform';
import type { WriteItem } from '../connector.js';
import type { JsonValue, RecordIssue } from '../peer-record.js';
import { newCard } from '../vcard/edit-card.js';
import { formatCard } from '../vcard/format-card.js';
import type { FileConfiguration } from './file-configuration.js';

export type Create = Extract<WriteItem, { kind: 'CREATE' }>;

type Format = Pick<FileConfiguration, 'format' | 'delimiter' | 'idField'>;

/** Why a record cannot be written in this format. */
export function recordIssues({ format, idField }: Format, { key, fields }: Create): RecordIssue[] {
  if (format === 'VCARD') {
    const card = newCard(key, fields);
    return 'issues' in card ? card.issues : [];
  }
  const own = idField === undefined ? undefined : fields[idField];
  if (own === undefined || own === key) return [];
  return [{ reason: 'READ_ONLY', message: 'The id of a new record is its key.', field: idField ?? '' }];
}

/** The columns of a CSV file with these records, the id first. */
export function exportColumns({ idField = '' }: Format, items: Create[]): string[] {
  const names = new Set(items.flatMap(({ fields }) => Object.keys(fields)));
  names.delete(idField);
  return [idField, ...[...names].sort()];
}

/** The text of a file with these records, for which `recordIssues` is empty. */
export function formatRecords(format: Format, columns: string[], items: Create[]): string {
  switch (format.format) {
    case 'CSV':
      // Only programs read the file, so values stay exact: a guard against formulas would be part of them.
      return [columns, ...items.map((item) => csvCells(columns, item))]
        .map((cells) => csvLine(cells, { delimiter: format.delimiter, guardsFormulas: false }))
        .join('');
    case 'NDJSON':
      return items.map((item) => `${JSON.stringify(Object.fromEntries(valuesOf(format, item)))}\n`).join('');
    case 'VCARD':
      return items.map(({ key, fields }) => cardText(key, fields)).join('');
    default:
      return format.format satisfies never;
  }
}

function valuesOf({ idField = '' }: Format, { key, fields }: Create): [string, JsonValue][] {
  const others = Object.entries(fields).filter(([name]) => name !== idField);
  return [[idField, key], ...others.sort(([one], [other]) => (one < other ? -1 : 1))];
}

function csvCells([, ...names]: string[], { key, fields }: Create): string[] {
  return [key, ...names.map((name) => cellText(fields[name] ?? null))];
}

function cellText(value: JsonValue): string {
  if (value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function cardText(key: string, fields: Create['fields']): string {
  const card = newCard(key, fields);
  if ('issues' in card) throw new Error('A card was not validated.');
  return formatCard(card.card).toString();
}
