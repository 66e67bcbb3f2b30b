import type { FilterField } from '@rapport/contracts/filters';
import { keyName } from '../../fields/filter-fields.js';
import { emailKey, sealedValue } from '../../records/unique-values.js';
import { currentSeal } from '../../sealing/seal.js';
import type { Comparison } from './comparison.js';
import { indexed, rowOnly, type Condition } from './condition.js';
import { prefixRange } from './prefix-range.js';

type KeyField = FilterField & { type: 'key' };

/** Compares e-mail addresses, domains and external ids: of live records by their unique values. */
export function compareKey(field: KeyField, comparison: Comparison): Condition {
  const { table, live } = comparison;
  comparison.assertOneOf({ prefix: true });
  if (comparison.isPresence) return rowOnly(hasValue(field, table));
  if (field.field.isPersonal && currentSeal()) return compareSealed(field, comparison);
  const { value, isPrefix } = wanted(field, comparison);
  if (!live) return ofDeleted(field, table, value, isPrefix);
  return isPrefix ? beginning(field, comparison, value) : equal(field, comparison, value);
}

/** Of values that are sealed only equal ones are found, and only those of live records have an index. */
function compareSealed({ name }: KeyField, comparison: Comparison): Condition {
  if (comparison.isPrefix) throw comparison.encryptedError('can be compared by =, != and ":*" only');
  if (!comparison.live) throw comparison.encryptedError('can not be asked for of deleted customers');
  const { value, plainValue } = sealedValue(keyName(name), emailKey(comparison.text));
  const values = [value, ...(plainValue === undefined ? [] : [plainValue])];
  const { keys, id } = keysOf(comparison);
  const owners = `(select ${id} from ${keys} where type = ? and value in (${values.map(() => '?').join(', ')}) limit 1)`;
  return { ...indexed(`${comparison.table}.id = ${owners}`, [keyName(name), ...values]), few: true };
}

/** An external id without a slash names a system, in which any value will do. */
function wanted({ hasSystem }: KeyField, { text, isPrefix }: Comparison): { value: string; isPrefix: boolean } {
  if (!hasSystem) return { value: emailKey(text), isPrefix };
  return isPrefix || text.includes('/') ? { value: text, isPrefix } : { value: `${text}/`, isPrefix: true };
}

/** The table of the keys of the type, and its column with the record. */
function keysOf({ type: { table } }: Comparison) {
  return { keys: `${table}_key`, id: `${table}_id` };
}

function equal({ name }: KeyField, comparison: Comparison, value: string): Condition {
  const { keys, id } = keysOf(comparison);
  const owner = `(select ${id} from ${keys} where type = ? and value = ?)`;
  return { ...indexed(`${comparison.table}.id = ${owner}`, [keyName(name), value]), few: true };
}

function beginning({ name }: KeyField, comparison: Comparison, prefix: string): Condition {
  const key = keyName(name);
  const range = prefixRange('value', prefix);
  const { keys, id } = keysOf(comparison);
  return {
    // Not as a range, and fenced off by OFFSET: the few keys of the row are read, never all of the range.
    row: {
      sql:
        `exists (select from ${keys} held where held.${id} = ${comparison.table}.id and held.type = ?` +
        ` and left(held.value, ?) = ? offset 0)`,
      params: [key, Array.from(prefix).length, prefix],
    },
    // As an array, since the planner can't take that for a reason to read all records and hash them.
    index: {
      sql: `${comparison.table}.id = any(array(select ${id} from ${keys} where type = ? and ${range.sql}))`,
      params: [key, ...range.params],
    },
  };
}

/** Deleted records have no unique values. */
function ofDeleted(field: KeyField, table: string, value: string, isPrefix: boolean): Condition {
  const { items, item } = itemsOf(field, table);
  const compared = isPrefix ? `starts_with(${item}, ?)` : `${item} = ?`;
  return rowOnly(`exists (select from ${items} where ${compared})`, [value]);
}

function hasValue({ field, list }: KeyField, table: string): string {
  return list ? `${table}.${list.column} <> '[]'` : `${table}.${field.column} <> '{}'`;
}

/** The values of a row as `item`, and one as it is compared. */
function itemsOf({ field, list, hasSystem }: KeyField, table: string): { items: string; item: string } {
  if (!list) return { items: `unnest(${table}.${field.column}) item`, item: 'item' };
  const value = `item->>'${field.name}'`;
  return {
    items: `jsonb_array_elements(${table}.${list.column}) item`,
    item: hasSystem ? `concat(item->>'system', '/', ${value})` : `lower(${value})`,
  };
}
