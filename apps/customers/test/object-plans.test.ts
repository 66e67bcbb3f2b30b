import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { CustomField_Type as Type } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { createOrm, tenantSession } from '@rapport/persistence';
import { callContext } from '@rapport/platform';
import { sizeOf } from '@rapport/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { entities } from '../src/database.js';
import { objectRecords } from '../src/domain/custom-objects/object-records.js';
import { filterFields } from '../src/engine/fields/filter-fields.js';
import { matchingRecords } from '../src/engine/query/list/count-records.js';
import { conditionsOf, type ListRequest } from '../src/engine/query/list/list-conditions.js';
import { pageSteps, type PageStep } from '../src/engine/query/list/read-page.js';
import { ObjectTenant } from './object-tenant.js';
import { OperationTenant } from './operation-tenant.js';
import { broadReads, planOf, rowsRead, tablesReadWhole } from './query-plan.js';
import { newCaller, RunningCustomers } from './running-customers.js';

const caller = newCaller();
const { tenantId } = caller;
const id = '019ab2f4-0000-7000-8000-000000000001';
const cars = objectRecords.of('car');
let service: RunningCustomers;
let orm: MikroORM;
let em: EntityManager;

// A service of its own: the planner's statistics cover its rows alone.
beforeAll(async () => {
  service = await RunningCustomers.start();
  const each = Math.ceil(sizeOf('OBJECT_RECORDS', { short: 4_000, long: 100_000 }) / 4);
  for (const owner of [caller, newCaller()]) for (const object of ['car', 'boat']) await fill(owner, object, each);
  const superuser = await service.connectAsSuperuser();
  await superuser.query('analyze');
  await superuser.end();
  orm = createOrm({ databaseUrl: service.urls.appUrl, entities });
  em = orm.em.fork({ session: tenantSession(tenantId) });
}, 600_000);
afterAll(async () => {
  await orm.close();
  await service.stop();
});

/** Gives an object this many records: one in 50 is red, and names and numbers of seats are unique. */
async function fill(owner: typeof caller, object: string, count: number): Promise<void> {
  const tenant = new ObjectTenant(service, owner);
  await tenant.createObject(object);
  const options = ['red', 'blue'].map((value) => ({ value, displayName: undefined }));
  await tenant.createField(object, 'colour', { type: Type.SELECT, options });
  await tenant.createField(object, 'seats', { type: Type.NUMBER });
  await tenant.createField(object, 'plate', { searchable: true });
  const rows = Array.from({ length: count }, (_, number) => ({
    name: `${object} ${number}`,
    tags: number % 50 === 0 ? ['big'] : [],
    externalIds: [{ system: 'erp', value: String(number) }],
    customFields: { colour: number % 50 === 0 ? 'red' : 'blue', seats: number, plate: `KI-${number}` },
  }));
  const operations = await OperationTenant.create(service, owner);
  const data = rows.map((row) => JSON.stringify(row)).join('\n');
  const input = { contentType: 'application/x-ndjson', recordType: `objects.${object}` };
  expect(await operations.run(data, input)).toMatchObject({ counts: { created: count } });
  await operations.close();
}

function conditionsFor(request: ListRequest) {
  return callContext.run({ requestId: 'test', caller }, () => conditionsOf(em, cars, request));
}

/** The statements that the list runs for a page. */
async function stepsOf(request: ListRequest, valued = true): Promise<PageStep[]> {
  const { orders, conditions } = await conditionsFor(request);
  return pageSteps({
    type: cars,
    tenantId,
    live: true,
    order: orders[0]!,
    conditions,
    valued,
    after: undefined,
    limit: 21,
  });
}

const filters: Readonly<Record<string, readonly string[]>> = {
  id: [`id = ${id}`],
  name: ['name = "car 7"', 'name < "car 1"', 'name:"*car 77*"'],
  ownerId: [`ownerId = ${id}`],
  ownerTeamId: [`ownerTeamId = ${id}`],
  externalIds: ['externalIds:erp/77', 'externalIds:erp/77*'],
  createTime: ['createTime > 2040-01-01'],
  updateTime: ['updateTime > 2040-01-01'],
  tags: ['tags:big'],
  deleteTime: ['deleteTime > 2040-01-01'],
};

test('every filter of object records is tested below', () => {
  expect(Object.keys(filters).sort()).toEqual([...filterFields(cars).keys()].sort());
});

describe('results of a filter or q of one object by indexes', () => {
  const custom = [
    'customFields.colour = red',
    'customFields.seats < 5',
    'customFields.seats = 7',
    'customFields.colour = red AND tags:big',
  ];

  test.each([...Object.values(filters).flat(), ...custom])(
    'do not scan a table, a tenant or an object: %s',
    async (filter) => {
      const orderBy = filter.includes('createTime') ? 'update_time' : 'create_time';
      const sort = (await stepsOf({ filter, orderBy })).at(-1);
      const { conditions } = await conditionsFor({ filter });
      const { sql, params, settings } = matchingRecords({ type: cars, tenantId, live: true, conditions });

      expect(broadReads(await planOf(em, sort!))).toEqual([]);
      expect(broadReads(await planOf(em, { sql: `select count(*) ${sql}`, params, settings }))).toEqual([]);
    },
  );

  test.each(['car 77', 'ki-77'])('q does not scan a table, a tenant or an object: %s', async (q) => {
    expect(broadReads(await planOf(em, (await stepsOf({ q })).at(-1)!))).toEqual([]);
  });
});

test.each(['name', 'create_time', 'update_time', 'customFields.seats'].flatMap((order) => [order, `${order} desc`]))(
  'the order %s scans an index of the object alone',
  async (orderBy) => {
    for (const valued of [true, false]) {
      const [step] = await stepsOf({ orderBy }, valued);
      const nodes = await planOf(em, step!, true);
      expect(tablesReadWhole(nodes)).toEqual([]);
      if (valued) expect(rowsRead(nodes), JSON.stringify(nodes)).toBeLessThanOrEqual(100);
    }
  },
);
