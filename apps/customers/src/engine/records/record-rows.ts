import type { RecordField } from '@rapport/contracts';
import { formatEtag } from '@rapport/persistence';
import { currentSeal } from '../sealing/seal.js';
import { openRecords, sealMissing } from '../sealing/sealed-messages.js';
import type { RecordMessage } from '../fields/record-definition.js';
import type { RecordType } from '../fields/record-type.js';
import { onceFor } from '../values/once-for.js';

/** A stored record as its message of the contract, possibly still encrypted. */
export interface StoredRecord<Message = RecordMessage> {
  record: Message;
  /** Whether its personal data is encrypted. */
  sealed: boolean;
  /** The additional columns of the statement after those of the record, as text. */
  more: readonly (string | null)[];
}

/** For `select`: other columns are only for finding and sorting, and as large as these. */
export function shownColumns(type: RecordType): string {
  return selectLists(type);
}

/**
 * The version of a row: the transaction that wrote it. All writes change it, also those that keep the version of the record,
 * such as its encryption.
 */
export function rowVersion({ table }: RecordType): string {
  return `${table}.xmin`;
}

/** Reads a row of a statement that selects only the id of the record, and columns after it. Without a record it has no id. */
export function idReader([id, ...more]: readonly (string | null)[]): StoredRecord {
  return { record: { id: id ?? '', etag: '', createdBy: '', updatedBy: '' }, sealed: false, more };
}

/** Reads a stored record from the texts of a row that begins with `shownColumns`. */
export function rowReader<Message extends RecordMessage>(
  type: RecordType<Message>,
): (texts: readonly (string | null)[]) => StoredRecord<Message> {
  return readers(type) as (texts: readonly (string | null)[]) => StoredRecord<Message>;
}

/**
 * Decrypts stored records.
 *
 * @throws AppError UNAVAILABLE when they are encrypted and the keys are unavailable
 */
export async function openStored<Message extends RecordMessage>(
  type: RecordType<Message>,
  stored: readonly StoredRecord<Message>[],
): Promise<Message[]> {
  const seal = currentSeal();
  if (!seal && stored.some(({ sealed }) => sealed)) throw sealMissing();
  const records = stored.map(({ record }) => record);
  return seal ? openRecords(seal, type, records) : records;
}

/**
 * A stored record from an object that has column values under the JSON names of the fields: an entity, or a row that
 * was not read by `rowReader`.
 *
 * @param source has `version` in place of `etag`
 */
export function recordOf<Message extends RecordMessage>(type: RecordType<Message>, source: object): Message {
  const values = source as Record<string, unknown>;
  const record: Record<string, unknown> = { ...templates(type) };
  for (const { name, property, convert } of columnsOf(type)) {
    const value = values[property];
    if (value !== null && value !== undefined) record[name] = convert(value);
  }
  return Object.assign(record, type.definition.lacking?.(record as unknown as Message)) as unknown as Message;
}

/** A column of a record, and its field. */
interface Column {
  /** JSON name of the field. */
  name: string;
  column: string;
  /** Property of the value in an entity or a row. */
  property: string;
  /** Parses PostgreSQL's text into the column's value. */
  parse: (text: string) => unknown;
  /** Converts the column's value to the field's. */
  convert: (value: unknown) => unknown;
}

/** The response columns of each record of a type, in the order of the message. */
const columnsOf = onceFor((type: RecordType): readonly Column[] => type.contract.fields.map(columnOf));

/** For `select`, under the names that `recordOf` expects. */
const selectLists = onceFor((type: RecordType) =>
  [
    ...columnsOf(type).map(({ column, property }) => `${type.table}.${column} as "${property}"`),
    type.derived.sealed ? `${type.table}.sealed` : 'false as sealed',
  ].join(', '),
);

/** A record without values: copies of it share their hidden class. */
const templates = onceFor((type: RecordType): object => {
  const lists = type.contract.fields.filter(({ desc }) => desc.fieldKind === 'list').map(({ name }) => name);
  const empty = Object.fromEntries(columnsOf(type).map(({ name }) => [name, undefined]));
  return { ...empty, ...type.empty(), ...Object.fromEntries(lists.map((name) => [name, []])) };
});

const none: readonly string[] = [];

const readers = onceFor((type: RecordType) => {
  const template = templates(type);
  const names = columnsOf(type).map(({ name }) => name);
  const reads = columnsOf(type).map(
    ({ parse, convert }) =>
      (text: string) =>
        convert(parse(text)),
  );
  const width = names.length;
  const lacking = type.definition.lacking as ((stored: object) => object | undefined) | undefined;
  return (texts: readonly (string | null)[]): StoredRecord<object> => {
    const record: Record<string, unknown> = { ...template };
    for (let index = 0; index < width; index += 1) {
      const text = texts[index] ?? null;
      if (text !== null) record[names[index] ?? ''] = reads[index]?.(text);
    }
    if (lacking) Object.assign(record, lacking(record));
    const more = texts.length > width + 1 ? texts.slice(width + 1) : none;
    return { record, sealed: texts[width] === 't', more };
  };
});

function columnOf(field: RecordField): Column {
  const { name, column } = field;
  if (column === 'etag') {
    const convert = (version: unknown) => formatEtag(version as number);
    return { name, column: 'version', property: 'version', parse: Number, convert };
  }
  return { name, column, property: name, ...readingOf(field) };
}

function readingOf({ desc, parts }: RecordField): Pick<Column, 'parse' | 'convert'> {
  if (desc.fieldKind === 'list') return { parse: parts.length > 0 ? parseJson : parseTexts, convert: same };
  if (desc.enum) {
    const numbers = new Map(desc.enum.values.map(({ localName, number }) => [localName, number]));
    return { parse: same, convert: (name) => numbers.get(name as string) ?? 0 };
  }
  switch (desc.message?.typeName) {
    case undefined:
      return { parse: parserOf(desc.scalar), convert: same };
    case 'google.protobuf.Timestamp':
      return { parse: same, convert: (time) => isoTime(time as Date | string) };
    case 'google.protobuf.Struct':
      return { parse: parseJson, convert: (values) => (isEmptyObject(values as object) ? undefined : values) };
    default:
      return { parse: parseJson, convert: same };
  }
}

/** Scalar types of protobuf that are texts, and bool; all others of records are numbers. */
const scalars = { bool: 8, string: 9 };

function parserOf(scalar: number | undefined): (text: string) => unknown {
  if (scalar === scalars.string) return same;
  return scalar === scalars.bool ? (text) => text === 't' : Number;
}

function same<Value>(value: Value): Value {
  return value;
}

function isEmptyObject(object: object): boolean {
  for (const _ in object) return false;
  return true;
}

/** A fast path: most JSON of a record is an empty list or object. */
function parseJson(text: string): unknown {
  return text === '[]' ? [] : text === '{}' ? {} : JSON.parse(text);
}

/**
 * Parses PostgreSQL's text form of a text array. The server quotes each text that contains a special character or reads
 * like NULL.
 */
function parseTexts(text: string): string[] {
  if (text === '{}') return [];
  if (!text.includes('"')) return text.slice(1, -1).split(',');
  const texts: string[] = [];
  for (const [, quoted, bare = ''] of text.matchAll(/[{,](?:"((?:[^"\\]|\\.)*)"|([^",{}]+))/gs)) {
    texts.push(quoted === undefined ? bare : quoted.replace(/\\(.)/gs, '$1'));
  }
  return texts;
}

/** The last text of a time, and its RFC 3339: the times of a record are often equal. */
let known = { text: '', time: '' };

/** RFC 3339 of a Date, or of PostgreSQL's text of a time in milliseconds, such as `2026-01-31 09:30:00.5+00`. */
export function isoTime(time: Date | string): string {
  if (typeof time !== 'string') return time.toISOString();
  if (time === known.text) return known.time;
  if (!/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,3})?\+00$/.test(time))
    throw new Error(`The database returned a time in an unknown format: ${time}`);
  const iso = `${time.slice(0, 10)}T${time.slice(11, 19)}.${time.slice(20, -3).padEnd(3, '0')}Z`;
  known = { text: time, time: iso };
  return iso;
}
