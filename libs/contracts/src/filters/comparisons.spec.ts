import { expect, it } from 'vitest';
import { platformContract } from '../descriptors/platform-contract.js';
import { recordContracts } from '../records/record-contract.js';
import { comparisonsOf, filterFieldsOf, parseFilter, readTests, restrictionsOf, type FilterField } from './index.js';

const operators = ['=', '!=', '<', '<=', '>', '>=', 'BETWEEN', 'IN', ':'];
const patterns = ['abc*', '*abc', '*abc*'];
const records = recordContracts(platformContract());
const fields = records.flatMap((record) =>
  [...filterFieldsOf(record)].map(([path, field]) => [record.singular, path, field] as const),
);

it.each(fields)('%s.%s has the comparisons that are listed for it, and no others', (_singular, _path, field) => {
  const value = valueOf(field);
  const listed = comparisonsOf(field);

  const found = {
    operators: operators.filter((operator) => isPossible(field, operator, value)),
    patterns: patternsOf(field).filter((pattern) => isPossible(field, '=', pattern.replace('abc', value))),
  };
  expect(found).toEqual({ operators: listed.operators.toSorted(byPlace), patterns: listed.patterns });
});

function isPossible(field: FilterField, operator: string, value: string): boolean {
  const text = `"${value}"`;
  const filter = `${field.path} ${operator} ${{ BETWEEN: `${text} AND ${text}`, IN: `(${text})` }[operator] ?? text}`;
  const [restriction] = restrictionsOf(parseFilter(filter) ?? { type: 'and', operands: [] });
  if (!restriction) throw new Error(`${filter} compares nothing.`);
  try {
    readTests(field, filter, restriction);
    return true;
  } catch (error) {
    expect(error).toMatchObject({ violations: [{ reason: 'FILTER_NOT_INDEXED' }] });
    return false;
  }
}

/** Of money, only currencies are found by how they begin. */
function patternsOf(field: FilterField): string[] {
  return field.type === 'value' && field.of === 'MONEY' ? ['EUR*', '*abc', '*abc*'] : patterns;
}

function byPlace(one: string, other: string): number {
  return operators.indexOf(one) - operators.indexOf(other);
}

/** A value of the field, which has at least three letters or digits in a row. */
function valueOf(field: FilterField): string {
  switch (field.type) {
    case 'enum':
      return field.names[0] ?? '';
    case 'id':
    case 'owner':
    case 'related':
      return '019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a11';
    case 'time':
      return '2026-01-31T09:30:00Z';
    case 'value':
      return { DATE: '2026-01-31', NUMBER: '12', MONEY: 'EUR 12.50' }[field.of];
    case 'key':
    case 'term':
    case 'name':
      return '4711';
  }
}
