import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sharedPlatform } from '@rapport/testing';
import { beforeEach, expect, inject, test } from 'vitest';
import { ExchangeTenant } from './exchange-tenant.ts';
import { PeopleTable } from './people-table.ts';

/** More than a process works on at a time, in all. */
const slowMappings = 9;

/** Of one tenant. */
const placesOfTenant = 2;

const platform = await sharedPlatform(inject('platformUrl'));
let hostile: ExchangeTenant;
let calm: ExchangeTenant;

beforeEach(async () => {
  [hostile, calm] = [await ExchangeTenant.create(platform), await ExchangeTenant.create(platform)];
});

test('a tenant whose peer does not answer delays no exchange of another', { timeout: 240_000 }, async () => {
  const slow = await PeopleTable.create(hostile);
  const people = await PeopleTable.create(calm);
  await people.insert('Ada');
  const mapping = await people.map();
  await calm.untilEqual(mapping, 1);
  const mappings: string[] = [];
  for (let index = 0; index < slowMappings; index += 1) mappings.push(await slow.map());
  for (const each of mappings) await hostile.untilEqual(each, 0);
  const locked = await slow.lock();
  for (const each of mappings) await hostile.api.ok('POST', '/v1/syncRuns', { mappingId: each });
  await expect.poll(locked.waiting, { timeout: 60_000 }).toBe(placesOfTenant);
  await people.insert('Grace');

  const { id } = await calm.api.ok<{ id: string }>('POST', '/v1/syncRuns', { mappingId: mapping });
  const state = async () => (await calm.api.ok<{ state: string }>('GET', `/v1/syncRuns/${id}`)).state;
  await expect.poll(state, { timeout: 60_000, interval: 50 }).toBe('SUCCEEDED');
  const running = `select from sync_run where tenant_id = $1 and state = 'RUNNING'`;
  const atWork = await hostile.api.query(running, [hostile.api.tenant.tenantId]);
  expect(atWork.length).toBeLessThanOrEqual(placesOfTenant);

  await locked.release();
  expect(await calm.customers()).toHaveProperty('size', 2);
  await Promise.all(mappings.map((each) => hostile.api.ok('DELETE', `/v1/mappings/${each}`)));
});

test('JSONata that is too slow stops its mapping, and delays no exchange of another tenant', async () => {
  const endless = '($f := function($n) { $f($n + 1) }; $f(0))';
  const hostileMapping = await mapNames(hostile, 20, endless);
  const calmMapping = await mapNames(calm, 20, '$uppercase($)');

  const ended = (tenant: ExchangeTenant, mapping: string) => async () => {
    const [run] = (await tenant.runs(mapping)).slice(-1);
    return run && [run.state, run.errorReason ?? ''];
  };
  await expect.poll(ended(calm, calmMapping), { timeout: 100_000, interval: 200 }).toEqual(['SUCCEEDED', '']);
  expect(await calm.customers()).toHaveProperty('size', 20);
  await expect
    .poll(ended(hostile, hostileMapping), { timeout: 100_000, interval: 200 })
    .toEqual(['FAILED', 'EXPRESSION_TOO_SLOW']);
  expect(await hostile.mapping(hostileMapping)).toMatchObject({ state: 'STOPPED', errorReason: 'EXPRESSION_TOO_SLOW' });
}, 240_000);

/** Exchanges names of a file by an expression. @returns the id of the mapping */
async function mapNames(tenant: ExchangeTenant, count: number, toCustomer: string): Promise<string> {
  const folder = join(platform.filesDir, tenant.api.tenant.tenantId);
  await mkdir(folder, { recursive: true });
  const lines = Array.from({ length: count }, (_, index) => `${index},Person ${index}\n`);
  await writeFile(join(folder, 'people.csv'), `id,name\n${lines.join('')}`);
  const file = { file: 'people.csv', format: 'CSV', idField: 'id' };
  const connection = await tenant.connect('file', file, {}, { pollSeconds: 3_600 });
  const fields = [{ customerField: 'displayName', peerField: 'name', toCustomer }];
  return tenant.map(connection, { recordType: 'record', direction: 'TO_CUSTOMERS', fields });
}
