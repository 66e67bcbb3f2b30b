import { emailKey, emailValue } from '../../records/customer-keys.js';
import { currentSeal } from '../../sealing/seal.js';
import type { FilterField } from '../../fields/filter-fields.js';
import type { Comparison } from './comparison.js';
import { indexed, rowOnly, type Condition } from './condition.js';
import { prefixRange } from './prefix-range.js';

type KeyField = FilterField & { type: 'key' };

/** Compares e-mail addresses, domains and external ids: of live customers by their unique values. */
export function compareKey(field: KeyField, comparison: Comparison): Condition {
  const { table, live } = comparison;
  comparison.assertOneOf({ prefix: true });
  if (comparison.isPresence) {
    return rowOnly(`${table}.${field.column} <> '${field.key === 'DOMAIN' ? '{}' : '[]'}'`);
  }
  if (field.key === 'EMAIL' && currentSeal()) return compareSealedEmail(comparison);
  const { value, isPrefix } = wanted(field, comparison);
  if (!live) return ofDeleted(field, table, value, isPrefix);
  return isPrefix ? beginning(field, table, value) : equal(field, table, value);
}

/** Of addresses that are sealed only equal ones are found, and only those of live customers have an index. */
function compareSealedEmail(comparison: Comparison): Condition {
  if (comparison.isPrefix) throw comparison.encryptedError('can be compared by =, != and ":*" only');
  if (!comparison.live) throw comparison.encryptedError('can not be asked for of deleted customers');
  const { value, plainValue } = emailValue(comparison.text);
  const values = [value, ...(plainValue === undefined ? [] : [plainValue])];
  const owners = `(select customer_id from customer_key
    where type = 'EMAIL' and value in (${values.map(() => '?').join(', ')}) limit 1)`;
  return { ...indexed(`${comparison.table}.id = ${owners}`, values), few: true };
}

/** An external id without a slash names a system, in which any value will do. */
function wanted({ key }: KeyField, { text, isPrefix }: Comparison): { value: string; isPrefix: boolean } {
  if (key !== 'EXTERNAL_ID') return { value: emailKey(text), isPrefix };
  return isPrefix || text.includes('/') ? { value: text, isPrefix } : { value: `${text}/`, isPrefix: true };
}

function equal({ key }: KeyField, table: string, value: string): Condition {
  const owner = `(select customer_id from customer_key where type = ? and value = ?)`;
  return { ...indexed(`${table}.id = ${owner}`, [key, value]), few: true };
}

function beginning({ key }: KeyField, table: string, prefix: string): Condition {
  const range = prefixRange('value', prefix);
  return {
    // Not as a range, and fenced off by OFFSET: the few keys of the row are read, never all of the range.
    row: {
      sql:
        `exists (select from customer_key held where held.customer_id = ${table}.id and held.type = ?` +
        ` and left(held.value, ?) = ? offset 0)`,
      params: [key, Array.from(prefix).length, prefix],
    },
    // As an array, since the planner can't take that for a reason to read all customers and hash them.
    index: {
      sql: `${table}.id = any(array(select customer_id from customer_key where type = ? and ${range.sql}))`,
      params: [key, ...range.params],
    },
  };
}

/** Deleted customers have no unique values. */
function ofDeleted({ key }: KeyField, table: string, value: string, isPrefix: boolean): Condition {
  const [items, item] = {
    EMAIL: [`jsonb_array_elements(${table}.emails) item`, `lower(item->>'address')`],
    DOMAIN: [`unnest(${table}.domains) item`, 'item'],
    EXTERNAL_ID: [`jsonb_array_elements(${table}.external_ids) item`, `concat(item->>'system', '/', item->>'value')`],
  }[key] as [string, string];
  return rowOnly(`exists (select from ${items} where ${isPrefix ? `starts_with(${item}, ?)` : `${item} = ?`})`, [
    value,
  ]);
}
