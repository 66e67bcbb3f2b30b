import { randomBytes } from 'node:crypto';
import type { MikroORM } from '@mikro-orm/postgresql';
import { Change, ChangeOperation } from '@rapport/contracts/rapport/api/v1/change_feed';
import { createOrm } from '@rapport/persistence';
import { MasterKeys } from '@rapport/platform';
import type { ProvisionedDatabase } from '@rapport/testing';
import { v4 as uuidv4, v7 as uuidv7 } from 'uuid';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test, vi } from 'vitest';
import { entities } from '../src/database.js';
import { DeferredWorker } from '../src/feed/deferred-worker.js';
import { ChangeTaker } from '../src/feed/take-changes.js';
import type { TakingParts } from '../src/feed/tenant-changes.js';
import { RecordCalls } from '../src/flows/effects/record-calls.js';
import { FlowCustomers } from '../src/flows/enrollments/flow-customers.js';
import { ChangedRecords } from '../src/flows/triggers/changed-records.js';
import { JobQueue } from '../src/storage/job-queue.js';
import { SecretEnvelope } from '../src/storage/secret-envelope.js';
import { RecordFilters } from '../src/webhooks/events/record-filters.js';
import { askDatabase } from './ask-database.ts';
import { createSyncDatabase } from './sync-databases.ts';

let urls: ProvisionedDatabase;
let superuserUrl: string;
let orm: MikroORM;
let parts: TakingParts;
let taker: ChangeTaker;
let worker: DeferredWorker;
let cursor: string | undefined;

beforeAll(async () => {
  urls = await createSyncDatabase();
  const url = new URL(inject('superuserUrl'));
  url.pathname = new URL(urls.appUrl).pathname;
  superuserUrl = url.href;
  orm = createOrm({ databaseUrl: urls.appUrl, entities });
  const envelope = new SecretEnvelope(new MasterKeys(randomBytes(32), []));
  // No tenant here has mappings, so that no run is queued.
  const filters = new RecordFilters({ unary: () => Promise.reject(new Error('No endpoint has a filter.')) });
  const nothing = () => Promise.resolve();
  // No tenant here has flows.
  const hooks = { openApprovals: nothing, closeApprovals: nothing };
  const unary = () => Promise.reject(new Error('There are no flows.'));
  const customers = new FlowCustomers(new RecordCalls({ unary }, { of: unary }));
  const flows = { envelope, hooks, records: new ChangedRecords({ unary }), customers };
  parts = { envelope, filters, jobs: new JobQueue(urls.appUrl, nothing), flows };
});
afterAll(async () => orm.close());

beforeEach(async () => {
  worker = new DeferredWorker(orm, parts, () => undefined);
  taker = new ChangeTaker(
    orm,
    parts,
    () => undefined,
    () => worker.wake(),
  );
  for (const table of ['webhook_endpoint', 'webhook_event', 'deferred_change'])
    await query(`truncate ${table} cascade`);
});
afterEach(() => worker.onModuleDestroy());

test('changes with too many deliveries wait, in order, and delay no other tenant', async () => {
  const [greedy, calm] = [await tenantWith(30), await tenantWith(1)];
  const changes = Array.from({ length: 40 }, () => customerChange(greedy));

  await take([...changes, customerChange(calm)]);
  await take([customerChange(greedy, changes[0]?.recordId), customerChange(calm)]);
  expect(await deliveriesOf(greedy)).toBe(0);
  expect(await deliveriesOf(calm)).toBe(2);

  worker.onApplicationBootstrap();
  await vi.waitUntil(async () => (await count('deferred_change')) === 0, { timeout: 60_000 });
  expect(await deliveriesOf(greedy)).toBe(41 * 30);
  const events = await query<{ record_id: string }>(
    'select record_id from webhook_event where tenant_id = $1 order by number',
    [greedy],
  );
  expect(events.map(({ record_id }) => record_id)).toEqual([...changes, changes[0]].map((change) => change?.recordId));
  // They are gone with the changes.
  expect(await count('deferred_content')).toBe(0);
});

test('a change that fails repeatedly goes into quarantine, and is erased with its record', async () => {
  const tenant = await tenantWith(1);
  const [good, bad, last] = [customerChange(tenant), customerChange(tenant), customerChange(tenant)];
  await query(`create or replace function refuse_event() returns trigger language plpgsql as
    $$ begin raise exception 'refused'; end $$`);
  await query(`create trigger refuse_event before insert on webhook_event for each row
    when (new.record_id = '${bad.recordId}') execute function refuse_event()`);
  worker.onApplicationBootstrap();

  await take([good, bad, last]);
  await vi.waitUntil(async () => (await deliveriesOf(tenant)) === 2, { timeout: 60_000 });
  await vi.waitUntil(async () => (await quarantined()).length === 1, { timeout: 60_000 });
  expect(await quarantined()).toEqual([{ record_id: bad.recordId, reason: 'P0001' }]);
  const sealed = await query<{ text: string }>(`select encode(sealed_change, 'escape') as text from deferred_content`);
  expect(sealed.map(({ text }) => text).join()).not.toContain('Countess');

  await query('drop trigger refuse_event on webhook_event');
  await take([{ ...customerChange(tenant, bad.recordId), origin: 'erasure', operation: ChangeOperation.DELETE }]);
  expect(await quarantined()).toEqual([]);
  expect(await deliveriesOf(tenant)).toBe(3);
});

async function take(changes: Change[]): Promise<void> {
  const next = uuidv4();
  await taker.take(changes, cursor, next);
  cursor = next;
}

function customerChange(tenantId: string, recordId = uuidv7()): Change {
  return {
    ...Change.decode(new Uint8Array()),
    ...{ id: uuidv7(), tenantId, type: 'customer', recordId, version: 1, operation: ChangeOperation.CREATE },
    ...{
      time: new Date().toISOString(),
      after: { id: recordId, jobTitle: 'Countess' },
      actor: 'nobody',
      origin: 'api',
    },
  };
}

/** A tenant with endpoints that want everything. */
async function tenantWith(endpoints: number): Promise<string> {
  const tenantId = uuidv4();
  await query('insert into webhook_tenant (tenant_id) values ($1)', [tenantId]);
  await query(
    `insert into webhook_endpoint (tenant_id, id, url, event_types, fields, payload, coalescing_seconds, state,
       hides_personal_data, sealed_keys, public_key, version, create_time, update_time, created_by)
     select $1, gen_random_uuid(), 'https://hooks.example', '{customer.*}', '{}', 'FULL', 0, 'ENABLED', false, '', '', 1, now(),
       now(), 'nobody'
     from generate_series(1, $2)`,
    [tenantId, endpoints],
  );
  return tenantId;
}

async function deliveriesOf(tenantId: string): Promise<number | undefined> {
  const sql = 'select count(*)::int as count from webhook_delivery where tenant_id = $1';
  return (await query<{ count: number }>(sql, [tenantId]))[0]?.count;
}

async function count(table: string): Promise<number | undefined> {
  return (await query<{ count: number }>(`select count(*)::int as count from ${table}`))[0]?.count;
}

function quarantined() {
  return query('select record_id, reason from deferred_change where quarantine_time is not null');
}

function query<Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> {
  return askDatabase<Row>(superuserUrl, sql, values);
}
