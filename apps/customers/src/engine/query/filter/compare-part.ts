import type { FilterField, FilterTest } from '@rapport/contracts/filters';
import { arrayLiteral } from '@rapport/persistence';
import { joined, type Compared, type Condition, type Sql } from './condition.js';

type PartTest = FilterTest & { type: 'part' };

/**
 * Records with a text that contains a part or ends with it: the trigram index of the search text finds candidates, and
 * a test of the field decides.
 */
export function hasPart(field: FilterField, test: PartTest, compared: Compared): Condition {
  return narrowedByTrigrams(test, compared, exactly(field, test, compared));
}

/** @param exact the condition on the field itself */
export function narrowedByTrigrams({ texts }: PartTest, { table }: Compared, exact: Sql): Condition {
  const patterns = texts.map((text) => `%${literal(text)}%`);
  const search = { sql: `${table}.search_text like any (?::text[])`, params: [arrayLiteral(patterns)] };
  return { row: exact, index: joined([search, exact], 'and') };
}

/** The LIKE pattern for the values of the field. */
export function patternsOf({ at, texts }: PartTest, before = ''): string {
  return arrayLiteral(texts.map((text) => `${before}%${literal(text)}${at === 'END' ? '' : '%'}`));
}

function exactly(named: FilterField, test: PartTest, { type, table }: Compared): Sql {
  const { field } = named;
  if (named.type === 'name') {
    return { sql: `(${table}.${type.sortColumn(field)} like any (?::text[])) is true`, params: [patternsOf(test)] };
  }
  return {
    sql: `exists (select from unnest(${table}.terms) held where held like any (?::text[]) offset 0)`,
    params: [patternsOf(test, `${field.index.term}:`)],
  };
}

function literal(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&');
}
