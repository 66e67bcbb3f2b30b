import { AppError } from '@rapport/platform';
import { describe, expect, test } from 'vitest';
import { customers } from '../src/domain/customers/customers.js';
import { filterFields } from '../src/engine/fields/filter-fields.js';
import { term } from '../src/engine/fields/terms.js';
import { readGroups } from '../src/engine/query/aggregate/group-columns.js';
import { requestedOrders, readOrders } from '../src/engine/query/list/list-order.js';
import { readUpdateMask } from '../src/engine/records/update-mask.js';

const { namedFields } = customers;
const names = [...new Set(namedFields.map(({ name }) => name))];
const filterFieldNames = [...filterFields(customers).keys()];

/** The fields for which `use` does not refuse its request. */
function accepted(use: (name: string) => unknown): string[] {
  return names.filter((name) => {
    try {
      use(name);
      return true;
    } catch (error) {
      if (error instanceof AppError && error.code === 'INVALID_ARGUMENT') return false;
      throw error;
    }
  });
}

describe('by the contract, customers', () => {
  test('have terms that stored customers are found by: another name would lose them', () => {
    const found = [...filterFields(customers).values()].filter(({ field }) => field.index.term !== '');

    expect(Object.fromEntries(found.map(({ name }) => [name, term(customers, name, '1')]))).toEqual({
      ...{
        kind: 'k:1',
        lifecycle_stage: 's:1',
        owner_id: 'o:1',
        owner_team_id: 'w:1',
        given_name: 'g:1',
        job_title: 'j:1',
      },
      ...{
        source: 'r:1',
        birth_date: 'b:1',
        phones: 'p:1',
        tags: 't:1',
        city: 'c:1',
        state: 'a:1',
        postal_code: 'z:1',
      },
      country_code: 'n:1',
    });
  });

  test('have other fields in filters', () => {
    const others = filterFieldNames.filter((name) => ['id', 'time', 'value', 'name', 'key'].includes(typeOf(name)));

    expect(Object.fromEntries(others.map((name) => [name, typeOf(name)]))).toEqual({
      ...{ id: 'id', companyId: 'id', createTime: 'time', updateTime: 'time' },
      ...{ deleteTime: 'time', lifecycleStageTime: 'time', birthDate: 'value' },
      ...{ displayName: 'name', familyName: 'name', companyName: 'name' },
      ...{ emails: 'key', domains: 'key', externalIds: 'key' },
    });
  });

  test('are ordered live and deleted', () => {
    const ofAll = ['display_name', 'create_time', 'update_time'];

    expect(accepted((name) => readOrders(customers, requestedOrders(name), false, undefined)).sort()).toEqual(
      [...ofAll, 'delete_time'].sort(),
    );
    expect(accepted((name) => readOrders(customers, requestedOrders(name), true, undefined)).sort()).toEqual(
      [
        ...ofAll,
        ...['family_name', 'company_name', 'kind', 'lifecycle_stage', 'birth_date', 'lifecycle_stage_time'],
      ].sort(),
    );
  });

  test('are grouped', () => {
    expect(
      accepted((name) => readGroups(customers, [name], { customFields: undefined, timeZone: 'UTC' })).sort(),
    ).toEqual(
      [
        'city',
        'company_id',
        'country_code',
        'kind',
        'lifecycle_stage',
        'owner_id',
        'owner_team_id',
        'source',
        'tags',
      ].sort(),
    );
  });

  test('are updated, but for what is fixed', () => {
    const fixed = [
      ...['id', 'kind', 'etag', 'create_time', 'update_time', 'delete_time', 'created_by', 'updated_by'],
      ...['lifecycle_stage_time', 'merged_into_id'],
    ];
    const own = namedFields.filter(({ list }) => !list).map(({ name }) => name);

    expect(accepted((name) => readUpdateMask(customers, [name])).sort()).toEqual(
      own.filter((name) => !fixed.includes(name)).sort(),
    );
  });

  test('have personal data', () => {
    expect(names.filter((name) => customers.isPersonal(name)).sort()).toEqual(
      ['addresses', 'birth_date', 'display_name', 'emails', 'family_name', 'given_name', 'phones'].sort(),
    );
  });
});

function typeOf(name: string): string {
  return filterFields(customers).get(name)?.type ?? '';
}
