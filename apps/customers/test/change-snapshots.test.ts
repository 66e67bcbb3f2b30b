import type { Caller } from '@rapport/platform';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { snapshot } from './change-feeds.js';
import { newCaller, RunningCustomers } from './running-customers.js';

let customers: RunningCustomers;
let app: pg.Client;

// A service of its own: it counts the snapshots of a process.
beforeAll(async () => {
  customers = await RunningCustomers.start();
  app = new pg.Client(customers.urls.appUrl);
  await app.connect();
});
afterAll(async () => {
  await app.end();
  await customers.stop();
});

test('a tenant reads one snapshot at a time, and four tenants read theirs meanwhile', async () => {
  const callers = [newCaller(), newCaller(), newCaller(), newCaller()] as const;
  for (const caller of callers) await addLongRecords(caller);
  const first = snapshot(customers, callers[0]);
  await first.next();

  const again = snapshot(customers, callers[0]).next();
  await expect(again).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'SNAPSHOT_RUNNING' });
  const others = callers.slice(1).map((caller) => snapshot(customers, caller));
  for (const other of others) await other.next();
  for (const each of [first, ...others]) await each.return();
}, 30_000);

/** More than what is on its way between a reader that takes nothing and the service. */
async function addLongRecords({ tenantId }: Caller): Promise<void> {
  await app.query('begin');
  await app.query(`select set_config('app.tenant_id', $1, true)`, [tenantId]);
  await app.query(
    `insert into customer (tenant_id, id, kind, display_name, job_title, emails, phones, addresses, external_ids,
       domains, tags, search_text, sort_name, version, create_time, update_time, created_by, updated_by)
     select $1, gen_random_uuid(), 'PERSON', 'x', repeat('x', 20000), '[]', '[]', '[]', '[]', '{}', '{}', 'x', 'x', 1,
       now(), now(), 'test', 'test'
     from generate_series(1, 400)`,
    [tenantId],
  );
  await app.query('commit');
}
