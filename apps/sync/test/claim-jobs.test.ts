import type { MikroORM } from '@mikro-orm/postgresql';
import { createOrm, withConnection } from '@rapport/persistence';
import type { ProvisionedDatabase } from '@rapport/testing';
import { v4 as uuidv4, v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { entities } from '../src/database.js';
import { claimJobs, type Room } from '../src/webhooks/deliveries/claim-jobs.js';
import { askDatabase } from './ask-database.ts';
import { createSyncDatabase } from './sync-databases.ts';

let urls: ProvisionedDatabase;
let orm: MikroORM;

beforeAll(async () => {
  urls = await createSyncDatabase();
  orm = createOrm({ databaseUrl: urls.appUrl, entities });
});
afterAll(async () => orm.close());

beforeEach(async () => {
  await askDatabase(urls.ownerUrl, 'truncate webhook_job, webhook_hold');
});

test('with more endpoints than places, each gets its turn', async () => {
  const endpoints = await endpointsOf(uuidv4(), 80, 4);
  const met = new Set<string>();

  // Who comes first is a matter of chance: that one of 80 is never among 4 in 600 times has a chance of 3 in 10^12.
  for (let look = 0; look < 600 && met.size < endpoints.length; look += 1) {
    for (const job of await claim({ total: 16 })) met.add(job.endpointId);
    await allDue();
  }

  expect(met.size).toBe(endpoints.length);
});

test('a tenant with many endpoints leaves one with a single endpoint its turn', async () => {
  const [greedy, calm] = [uuidv4(), uuidv4()];
  await endpointsOf(greedy, 100, 4);
  const [only] = await endpointsOf(calm, 1, 4);

  for (let look = 0; look < 20; look += 1) {
    const jobs = await claim({ total: 8 });
    expect(jobs.filter(({ endpointId }) => endpointId === only)).toHaveLength(4);
    await allDue();
  }
});

test('a tenant gets no more jobs than it has room for, however many endpoints have them', async () => {
  const [greedy, busy, calm] = [uuidv4(), uuidv4(), uuidv4()];
  for (const tenantId of [greedy, busy]) await endpointsOf(tenantId, 20, 4);
  await endpointsOf(calm, 2, 4);

  const jobs = await claim({ total: 1_000, perTenant: 10, tenants: new Map([[busy, 3]]) });

  const counts = Map.groupBy(jobs, ({ tenantId }) => tenantId);
  expect([greedy, busy, calm].map((tenantId) => counts.get(tenantId)?.length)).toEqual([10, 3, 8]);
  expect(await claim({ total: 1_000, tenants: new Map([greedy, busy, calm].map((id) => [id, 0])) })).toEqual([]);
});

test('an endpoint on hold receives nothing, and the others do', async () => {
  const [held, other] = await endpointsOf(uuidv4(), 2, 4);
  await askDatabase(
    urls.ownerUrl,
    `insert into webhook_hold values ($1, gen_random_uuid(), now() + interval '1 hour')`,
    [held],
  );

  const jobs = await claim({ total: 100 });

  expect(new Set(jobs.map(({ endpointId }) => endpointId))).toEqual(new Set([other]));
});

test('a claim does not read the jobs that wait for their next attempt', async () => {
  const tenantId = uuidv4();
  const [endpointId] = await endpointsOf(tenantId, 1, 2);
  await askDatabase(
    urls.ownerUrl,
    `insert into webhook_job (delivery_id, tenant_id, endpoint_id, due_time)
     select gen_random_uuid(), $1, $2, now() + interval '1 hour' from generate_series(1, 5000)`,
    [tenantId, endpointId],
  );
  await askDatabase(urls.ownerUrl, 'vacuum analyze webhook_job');
  const read = async () => {
    // The connections of the pool report what they have read.
    await withConnection(orm.em.fork(), (client) => client.query('select pg_stat_force_next_flush()'));
    const [row] = await askDatabase<{ count: number }>(
      urls.ownerUrl,
      `select sum(idx_tup_read)::int as count from pg_stat_user_indexes where relname = 'webhook_job'`,
    );
    return row?.count ?? 0;
  };
  const before = await read();

  expect(await claim({ total: 10, perEndpoint: 10 })).toHaveLength(2);
  expect((await read()) - before).toBeLessThan(100);
});

function claim(room: Partial<Room>) {
  const all = { total: 1_000, perEndpoint: 4, endpoints: new Map(), perTenant: 1_000, tenants: new Map(), ...room };
  return claimJobs(orm.em.fork(), all, 60_000);
}

/** @returns ids of endpoints that each have jobs which are due */
async function endpointsOf(tenantId: string, count: number, jobs: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => uuidv7());
  await askDatabase(
    urls.ownerUrl,
    `insert into webhook_job (delivery_id, tenant_id, endpoint_id, due_time)
     select gen_random_uuid(), $1, id, now() - interval '1 second' from unnest($2::uuid[]) id, generate_series(1, $3)`,
    [tenantId, ids, jobs],
  );
  return ids;
}

function allDue() {
  return askDatabase(urls.ownerUrl, `update webhook_job set claim_id = null, due_time = now() - interval '1 second'`);
}
