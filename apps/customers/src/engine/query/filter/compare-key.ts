import type { FilterField, FilterTest } from '@rapport/contracts/filters';
import { keyName } from '../../fields/filter-fields.js';
import { sealedValue, uniquePrefix } from '../../records/unique-values.js';
import { currentSeal } from '../../sealing/seal.js';
import { narrowedByTrigrams, patternsOf } from './compare-part.js';
import { indexed, rowOnly, type Asked, type Compared, type Condition, type Sql } from './condition.js';
import { prefixRange } from './prefix-range.js';

type KeyField = FilterField & { type: 'key' };
type PartTest = FilterTest & { type: 'part' };

/** The condition that a row has an e-mail address, a domain or an external id. */
export function hasKeys({ field, list }: KeyField, table: string): string {
  return list ? `${table}.${list.column} <> '[]'` : `${table}.${field.column} <> '{}'`;
}

/** Records with one of the values: live ones by their unique keys, deleted ones, which have no keys, by their lists. */
export function oneOfKeys(field: KeyField, texts: readonly string[], asked: Asked): Condition {
  const key = keyName(field.name);
  const isSealed = field.field.isPersonal && currentSeal() !== undefined;
  if (isSealed && !asked.live) throw asked.encryptedError('is not available for deleted customers');
  if (!asked.live)
    return rowOnly(
      ...ofDeleted(field, asked, (item) => ({ sql: `${item} in (${places(texts)})`, params: [...texts] })),
    );
  const prefix = uniquePrefix(asked.type);
  const stored = texts.map((text) => prefix + text);
  const values = isSealed ? stored.flatMap((text) => sealedTexts(key, text)) : stored;
  const { keys, id } = keysOf(asked);
  const owners = `select ${id} from ${keys} where type = ? and value in (${places(values)})`;
  const isOwner = texts.length === 1 ? `= (${owners} limit 1)` : `= any(array(${owners}))`;
  return { ...indexed(`${asked.table}.id ${isOwner}`, [key, ...values]), few: true };
}

/** Records with a value that starts with, contains or ends with a text. */
export function hasKeyPart(field: KeyField, test: PartTest, asked: Asked): Condition {
  const [text = ''] = test.texts;
  if (!asked.live) return rowOnly(...ofDeleted(field, asked, (item) => partOf(item, test)));
  if (test.at === 'START') return beginning(field, asked, text);
  const { keys, id } = keysOf(asked);
  const like = partOf('held.value', test);
  return narrowedByTrigrams(test, asked, {
    sql: `exists (select from ${keys} held where held.${id} = ${asked.table}.id and held.type = ? and ${like.sql} offset 0)`,
    params: [keyName(field.name), ...like.params],
  });
}

function partOf(value: string, test: PartTest): Sql {
  if (test.at === 'START') return { sql: `starts_with(${value}, ?)`, params: [...test.texts] };
  return { sql: `${value} like any (?::text[])`, params: [patternsOf(test)] };
}

/** A value as its stored key, in both forms while an encryption is in progress. */
function sealedTexts(key: string, text: string): string[] {
  const { value, plainValue } = sealedValue(key, text);
  return plainValue === undefined ? [value] : [value, plainValue];
}

/** The key table of the type, and its column with the record. */
function keysOf({ type: { table } }: Compared) {
  return { keys: `${table}_key`, id: `${table}_id` };
}

function beginning({ name }: KeyField, compared: Compared, start: string): Condition {
  const key = keyName(name);
  const prefix = uniquePrefix(compared.type) + start;
  const range = prefixRange('value', prefix);
  const { keys, id } = keysOf(compared);
  return {
    // A correlated subquery behind OFFSET instead of a range: it reads the few keys of the row, never the whole range.
    row: {
      sql:
        `exists (select from ${keys} held where held.${id} = ${compared.table}.id and held.type = ?` +
        ` and left(held.value, ?) = ? offset 0)`,
      params: [key, Array.from(prefix).length, prefix],
    },
    // As an array, which does not lead the planner to a hash join over all records.
    index: {
      sql: `${compared.table}.id = any(array(select ${id} from ${keys} where type = ? and ${range.sql}))`,
      params: [key, ...range.params],
    },
  };
}

/** A condition on the normalized values of a row. */
function ofDeleted(
  { field, list, hasSystem }: KeyField,
  { table }: Compared,
  compare: (item: string) => Sql,
): [sql: string, params: Sql['params']] {
  const value = `item->>'${field.name}'`;
  const { sql, params } = compare(
    !list ? 'item' : hasSystem ? `concat(item->>'system', '/', ${value})` : `lower(${value})`,
  );
  const items = list ? `jsonb_array_elements(${table}.${list.column})` : `unnest(${table}.${field.column})`;
  return [`exists (select from ${items} item where ${sql})`, params];
}

function places(values: readonly unknown[]): string {
  return values.map(() => '?').join(', ');
}
