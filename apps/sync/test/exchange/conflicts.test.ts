import { sharedPlatform } from '@rapport/testing';
import { beforeEach, expect, inject, test } from 'vitest';
import { ExchangeTenant, type Run } from './exchange-tenant.ts';
import { PeopleTable } from './people-table.ts';

const fields = [
  { customerField: 'displayName', peerField: 'name' },
  { customerField: 'customFields.level', peerField: 'title' },
];

const platform = await sharedPlatform(inject('platformUrl'));
let tenant: ExchangeTenant;
let people: PeopleTable;

beforeEach(async () => {
  tenant = await ExchangeTenant.create(platform);
  people = await PeopleTable.create(tenant);
});

const kinds = async (mapping: string) => (await tenant.conflicts(mapping)).map(({ kind }) => kind);
const defineLevel = (type: string) =>
  tenant.api.ok('POST', '/v1/customFields', { key: 'level', kind: 'PERSON', type, displayName: 'Level' });

/** Records that customers refuse, for a field that is not defined. */
async function rejected(count: number): Promise<string> {
  await people.database.run(
    `INSERT INTO people (name, title) SELECT 'Person ' || i, 'gold' FROM generate_series(1, ${count}) i`,
  );
  const mapping = await people.map({ fields, direction: 'TO_CUSTOMERS' });
  await expect.poll(() => kinds(mapping), { timeout: 60_000 }).toEqual(Array(count).fill('REJECTED'));
  return mapping;
}

test('rejected records are tried again when the definition that they did not meet changes', async () => {
  const mapping = await rejected(3);
  await defineLevel('TEXT');

  await expect.poll(() => kinds(mapping), { timeout: 60_000 }).toEqual([]);
  expect((await tenant.customers()).size).toBe(3);
});

test('rejected records are tried again when the mapping changes', async () => {
  const mapping = await rejected(3);
  await tenant.api.ok('PATCH', `/v1/mappings/${mapping}`, { fields: fields.slice(0, 1) });

  await expect.poll(() => kinds(mapping), { timeout: 60_000 }).toEqual([]);
  expect((await tenant.customers()).size).toBe(3);
});

test('many conflicts are resolved in one call, which counts them', async () => {
  const mapping = await rejected(120);
  const resolve = async (resolution: object) => {
    const { id } = await tenant.api.ok<Run>('POST', `/v1/mappings/${mapping}:resolveConflicts`, { ...resolution });
    return tenant.ended(id);
  };

  expect(await resolve({ kind: 'REJECTED', choice: 'PEER' })).toMatchObject({
    ...{ kind: 'RESOLVE', state: 'SUCCEEDED', resolution: { resolved: 0, skipped: 120 } },
  });
  expect(await resolve({ kind: 'FIELDS', choice: 'RETRY' })).toMatchObject({ resolution: { resolved: 0, skipped: 0 } });
  expect(await resolve({ choice: 'RETRY' })).toMatchObject({
    ...{ state: 'SUCCEEDED', resolution: { resolved: 120, skipped: 0 }, counts: { conflicts: 120 } },
  });
});
