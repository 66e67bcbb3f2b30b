import {
  isOfDeleted,
  readTests,
  type Bound,
  type ComparedField,
  type CustomFieldDefinition,
  type FilterField,
  type FilterTest,
  type Restriction,
} from '@rapport/contracts/filters';
import { indexKey } from '../../fields/custom-fields.js';
import type { RecordType } from '../../fields/record-type.js';
import { findableTerms } from '../../fields/terms.js';
import { currentSeal } from '../../sealing/seal.js';
import { hasKeyPart, hasKeys, oneOfKeys } from './compare-key.js';
import { anyOf, indexed, joined, rowOnly, type Asked, type Compared, type Condition, type Sql } from './condition.js';
import { hasPart } from './compare-part.js';
import { prefixRange } from './prefix-range.js';
import { sealedError } from './refuse-sealed.js';

/**
 * Compiles a comparison of a record's field.
 *
 * @param filter the whole filter, for positions in errors
 * @throws AppError INVALID_ARGUMENT as readTests does, and FILTER_ENCRYPTED
 */
export function compareField(
  field: ComparedField,
  filter: string,
  restriction: Restriction,
  compared: Compared,
): Condition {
  const encryptedError = (problem: string) => sealedError(filter, restriction, problem);
  const asked = { ...compared, encryptedError };
  return anyOf(readTests(field, filter, restriction, compared.userId).map((test) => conditionOf(field, test, asked)));
}

function conditionOf(field: ComparedField, test: FilterTest, asked: Asked): Condition {
  switch (test.type) {
    case 'present':
      return field.type === 'custom'
        ? hasTerm(asked, [`x.${indexKey(field.definition)}`])
        : rowOnly(presence(field, asked));
    case 'oneOf':
      return oneOf(field, test.texts, asked);
    case 'ordered':
      return inOrder(field, test, asked);
    case 'part':
      return part(field, test, asked);
  }
}

/** The condition that a row has a value. */
function presence(named: FilterField, { table }: Asked): string {
  const { field, list } = named;
  if (named.type === 'related') return hasRelated(named, table);
  if (named.type === 'key') return hasKeys(named, table);
  if (!list) return `${table}.${field.column} ${field.desc.fieldKind === 'list' ? "<> '{}'" : 'is not null'}`;
  if (field.isRequired) return `${table}.${list.column} <> '[]'`;
  return `exists (select from jsonb_array_elements(${table}.${list.column}) item where item->>'${field.name}' <> '')`;
}

function hasRelated({ field, of }: FilterField & { type: 'related' }, table: string): string {
  return `exists (select from jsonb_array_elements(${table}.${field.column}) item where item->>'type' = '${of}')`;
}

function oneOf(field: ComparedField, texts: readonly string[], asked: Asked): Condition {
  if (field.type === 'key') return oneOfKeys(field, texts, asked);
  if (field.type === 'id') return oneOfIds(field.field.column, texts, asked);
  const terms =
    field.type === 'custom'
      ? texts.map((text) => `x.${indexKey(field.definition)}:${text}`)
      : texts.flatMap((text) => findableTerms(asked.type, field.name, text));
  return hasTerm(asked, [...new Set(terms)]);
}

/** Records that have one of the terms. */
function hasTerm({ table }: Asked, terms: readonly string[]): Condition {
  if (terms.length === 0) return indexed('false');
  const operator = terms.length === 1 ? '@>' : '&&';
  return indexed(`${table}.terms ${operator} array[${places(terms)}]::text[]`, [...terms]);
}

function oneOfIds(column: string, ids: readonly string[], { table }: Asked): Condition {
  const among = ids.length === 1 ? '= ?::uuid' : `= any(array[${places(ids)}]::uuid[])`;
  return { ...indexed(`${table}.${column} ${among}`, [...ids]), few: column === 'id' };
}

function inOrder(field: ComparedField, { bounds }: OrderedTest, asked: Asked): Condition {
  const read = bounds.map(({ operator, value }) => ({ operator, value: value(asked.present) }));
  if (field.type === 'custom') {
    const plain = (on: string) => read.map(({ operator, value }) => ({ sql: `${on} ${operator} ?`, params: [value] }));
    return inCustomOrder(field.definition, (on) => joined(plain(on), 'and'), asked);
  }
  if (currentSeal() && asked.type.isPersonal(field.name)) return equalWhenSealed(field, read, asked);
  // No index of live records finds absent values.
  if (isOfDeleted(field) && asked.live) return indexed('false');
  return inColumnOrder(field, asked, (on) =>
    joined(
      read.map(({ operator, value }) => compared(field, on, operator, value)),
      'and',
    ),
  );
}

type OrderedTest = FilterTest & { type: 'ordered' };
interface ReadBound {
  operator: Bound['operator'];
  value: string | number;
}

function compared(field: FilterField, on: string, operator: string, value: string | number): Sql {
  if (field.type === 'time') return { sql: `${on} ${operator} ?::timestamptz`, params: [value] };
  if (field.type !== 'value' || field.of !== 'NUMBER') return { sql: `${on} ${operator} ?`, params: [value] };
  if (field.isWhole) return compareWhole(on, operator, Number(value));
  return { sql: `${on} ${operator} ?::numeric`, params: [value] };
}

/** Compares an integer column with any number: a fraction would prevent the use of its index. */
function compareWhole(on: string, operator: string, value: number): Sql {
  if (operator === '=' && !Number.isSafeInteger(value)) return { sql: 'false', params: [] };
  const next = operator === '<' || operator === '>=' ? Math.ceil(value) : Math.floor(value);
  const bound = Math.min(Math.max(next, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
  return { sql: `${on} ${operator} ?::bigint`, params: [bound] };
}

/** An encrypted name or date supports only equality. */
function equalWhenSealed(field: FilterField, bounds: readonly ReadBound[], asked: Asked): Condition {
  const seal = currentSeal();
  const [only] = bounds;
  if (!seal || only?.operator !== '=') throw asked.encryptedError(onlyWhole);
  const text = String(only.value);
  if (field.field.index.term !== '') return hasTerm(asked, findableTerms(asked.type, field.name, text));
  const texts = [seal.blind(field.name, text), ...(seal.isComplete ? [] : [text])];
  const row = { sql: `${asked.table}.${asked.type.sortColumn(field.field)} in (${places(texts)})`, params: texts };
  return { row, index: ofParent(asked.type, row, asked.table) };
}

const onlyWhole = 'can be compared by =, !=, IN and ":*" only';

function part(field: ComparedField, test: FilterTest & { type: 'part' }, asked: Asked): Condition {
  if (field.type === 'custom') {
    const [start = ''] = test.texts;
    return inCustomOrder(field.definition, (on) => prefixRange(on, start), asked);
  }
  if (currentSeal() && asked.type.isPersonal(field.name)) throw asked.encryptedError(onlyWhole);
  if (field.type === 'key') return hasKeyPart(field, test, asked);
  if (test.at !== 'START') return hasPart(field, test, asked);
  const [start = ''] = test.texts;
  return inColumnOrder(field, asked, (on) => prefixRange(on, start));
}

/** A range of a column with an index of its own. */
function inColumnOrder({ name, field }: FilterField, { type, table }: Asked, on: (column: string) => Sql): Condition {
  const row = on(`${table}.${type.sortColumn(field)}`);
  return { row, index: ofParent(type, row, table), range: { orderedBy: name, on } };
}

/** A condition on a column whose index begins with the parent of the records, when they have one. */
export function ofParent({ contract, parentKey }: RecordType, { sql, params }: Sql, table: string): Sql {
  if (parentKey === undefined) return { sql, params };
  return { sql: `(${table}.${contract.parent} = ? and ${sql})`, params: [parentKey, ...params] };
}

/** A range of the sort keys of a custom field. */
function inCustomOrder(
  definition: CustomFieldDefinition,
  on: (column: string) => Sql,
  { table, type }: Asked,
): Condition {
  const key = indexKey(definition);
  const inRow = on(`(${table}.order_values->>'${key}') collate "C"`);
  const inIndex = on('value');
  return {
    row: { sql: `(${inRow.sql}) is true`, params: inRow.params },
    index: {
      sql: `${table}.id = any(array(select ${type.table}_id from ${type.table}_order_value where field = ? and ${inIndex.sql}))`,
      params: [key, ...inIndex.params],
    },
    range: { orderedBy: `custom_fields.${definition.key}`, on },
  };
}

function places(values: readonly unknown[]): string {
  return values.map(() => '?').join(', ');
}
