import { allFields, type RecordField } from '@rapport/contracts';
import { FieldOrder } from '@rapport/contracts/rapport/api/v1/options';
import { AppError } from '@rapport/platform';
import { describe, expect, test } from 'vitest';
import { term, type TermField } from '../src/engine/fields/customer-terms.js';
import { filterField, filterFieldNames } from '../src/engine/fields/filter-fields.js';
import { isPersonal } from '../src/engine/fields/hidden-data.js';
import { readGroups } from '../src/engine/query/aggregate/group-columns.js';
import { readOrder } from '../src/engine/query/list/list-order.js';
import { readUpdateMask } from '../src/engine/records/update-mask.js';
import { recordContract } from '../src/engine/values/contract.js';

const { fields, options, plural } = recordContract('rapport/Customer');

/** The field of a record that has a part, for all but parts that have names of their own in filters. */
function filterName(field: RecordField): string {
  const list = fields.find(({ parts }) => parts.includes(field));
  return list && ['emails', 'phones', 'external_ids'].includes(list.column) ? list.column : field.column;
}

/** Names of the fields for which `use` does not refuse its request. */
function accepted(use: (field: RecordField) => unknown, of = allFields(fields)): string[] {
  const names = of.filter((field) => {
    try {
      use(field);
      return true;
    } catch (error) {
      if (error instanceof AppError && error.code === 'INVALID_ARGUMENT') return false;
      throw error;
    }
  });
  return [...new Set(names.map(filterName))].sort();
}

function declared(isMeant: (field: RecordField) => boolean): string[] {
  return [...new Set(allFields(fields).filter(isMeant).map(filterName))].sort();
}

describe('what the contract declares of customers is what the service does:', () => {
  test('names', () => {
    expect({ plural, ...options }).toEqual({
      plural: 'customers',
      order: 'create_time',
      owned: true,
      customFields: true,
    });
  });

  test('fields that an update changes', () => {
    expect(accepted(({ name }) => readUpdateMask([name]), [...fields])).toEqual(
      fields
        .filter(({ writable }) => writable === 'ALWAYS')
        .map(({ column }) => column)
        .sort(),
    );
  });

  test('terms', () => {
    const terms = allFields(fields).filter(({ index }) => index.term !== '');
    expect(terms.map((field) => term(filterName(field) as TermField, '1').split(':')[0])).toEqual(
      terms.map(({ index }) => index.term),
    );
    const inFilters = filterFieldNames.filter((name) =>
      ['term', 'enum', 'listed', 'owner'].includes(filterField(name)?.type ?? ''),
    );
    expect(declared(({ index }) => index.term !== '')).toEqual([...inFilters].sort());
  });

  test('values that only one live customer can have', () => {
    const keys = filterFieldNames.filter((name) => filterField(name)?.type === 'key');
    expect(declared(({ index }) => index.unique)).toEqual([...keys].sort());
  });

  test.each([
    ['live', true, ['LIVE', 'ALL']],
    ['deleted', false, ['ALL']],
  ] as const)('orders of %s customers', (_which, isLive, orders) => {
    expect(accepted(({ column }) => readOrder(column, isLive, undefined), [...fields])).toEqual(
      declared(({ index }) => (orders as readonly string[]).includes(FieldOrder[index.order])),
    );
  });

  test('groups', () => {
    expect(accepted((field) => readGroups([filterName(field)], undefined))).toEqual(
      declared(({ index }) => index.group),
    );
  });

  test('personal data', () => {
    const personal = fields.filter((field) => allFields([field]).some(({ isPersonal: is }) => is));
    expect(fields.filter(({ column }) => isPersonal(column))).toEqual(personal);
  });
});
