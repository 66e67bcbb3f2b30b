import type { MikroORM } from '@mikro-orm/postgresql';
import { createOrm } from '@rapport/persistence';
import type { ProvisionedDatabase } from '@rapport/testing';
import { v4 as uuidv4 } from 'uuid';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { entities } from '../../src/database.js';
import { areMappingsDue, MappingTicker } from '../../src/exchange/runs/mapping-ticker.js';
import { DueWork } from '../../src/storage/due-work.js';
import { areRunsQueued, JobQueue, type RunWork } from '../../src/storage/job-queue.js';
import { askDatabase } from '../ask-database.ts';
import { createSyncDatabase } from '../sync-databases.ts';

/** Longer than any test takes. */
const neverMs = 2 ** 31 - 1;

let urls: ProvisionedDatabase;
let orm: MikroORM;
let jobs: JobQueue;
let ticker: MappingTicker;
let work: RunWork = () => Promise.resolve();

beforeAll(async () => {
  urls = await createSyncDatabase();
  orm = createOrm({ databaseUrl: urls.appUrl, entities });
  jobs = new JobQueue(urls.appUrl, (job, signal) => work(job, signal));
  ticker = new MappingTicker(orm, jobs, neverMs);
  jobs.onApplicationBootstrap();
  ticker.onApplicationBootstrap();
});
afterAll(async () => {
  await ticker.onModuleDestroy();
  await jobs.onModuleDestroy();
  await orm.close();
});

test('a mapping that has become due is queued when the ticker is woken, and not at its next look', async () => {
  const worked: string[] = [];
  work = ({ mappingId }) => Promise.resolve(void worked.push(mappingId));
  const mapping = await dueMapping();
  const queued = () => query('select state from sync_run where mapping_id = $1', [mapping]);

  // Again, for as long as the queue has not started.
  await expect
    .poll(() => {
      ticker.wake();
      return queued();
    })
    .toEqual([{ state: 'QUEUED' }]);
  // The next test counts all runs.
  await expect.poll(() => worked).toContain(mapping);
});

test('a process runs eight queued runs at once and two of each tenant, begins others as these end, and one that is queued later', async () => {
  const begun: string[] = [];
  const running: { tenantId: string; end: () => void }[] = [];
  const most = { all: 0, ofTenant: 0 };
  work = ({ runId, tenantId }) =>
    new Promise((end) => {
      begun.push(runId);
      running.push({ tenantId, end });
      const ofTenant = running.filter((each) => each.tenantId === tenantId).length;
      most.all = Math.max(most.all, running.length);
      most.ofTenant = Math.max(most.ofTenant, ofTenant);
    });
  const queued = [1, 2, 3, 4, 5]
    .map(() => uuidv4())
    .flatMap((tenantId) => [runOf(tenantId), runOf(tenantId), runOf(tenantId)]);
  for (const run of queued) await jobs.send(run, database);
  await expect.poll(() => running).toHaveLength(8);

  while (begun.length < queued.length || running.length > 0) {
    await expect.poll(() => running).not.toHaveLength(0);
    running.shift()!.end();
  }
  const late = runOf(uuidv4());
  await jobs.send(late, database);
  await expect.poll(() => begun).toContain(late.runId);
  running.shift()!.end();

  expect(most).toEqual({ all: 8, ofTenant: 2 });
  expect(begun.toSorted()).toEqual([...queued, late].map(({ runId }) => runId).toSorted());
});

test('the common look at due work finds a mapping that becomes due, and its run again after a failure', async () => {
  let attempts = 0;
  work = () => {
    attempts += 1;
    return attempts === 1 ? Promise.reject(new Error('away')) : Promise.resolve();
  };
  const dueWork = new DueWork(orm, [
    { condition: areMappingsDue, worker: ticker },
    { condition: areRunsQueued, worker: jobs },
  ]);
  dueWork.onApplicationBootstrap();

  await dueMapping();
  await expect.poll(() => attempts).toBe(2);
  await dueWork.onModuleDestroy();
});

const runOf = (tenantId: string) => ({ tenantId, mappingId: uuidv4(), runId: uuidv4() });
const database = {
  executeSql: async (text: string, values?: unknown[]) => ({ rows: await query(text, values ?? []) }),
};

/** @returns its id */
async function dueMapping(): Promise<string> {
  const [tenantId, id, connectionId] = [uuidv4(), uuidv4(), uuidv4()];
  await query(
    `insert into mapping (tenant_id, id, connection_id, record_type, customer_kind, fields, direction, policy, delete_policy, max_deletes,
       sealed_fingerprint_key, state, version, create_time, update_time)
     values ($1, $2, $3, 'people', 'PERSON', '[]', 'BOTH', 'MANUAL', 'KEEP', 0, '', 'ENABLED', 1, now(), now())`,
    [tenantId, id, connectionId],
  );
  await query(
    'insert into mapping_schedule (tenant_id, mapping_id, connection_id, due_time) values ($1, $2, $3, now())',
    [tenantId, id, connectionId],
  );
  return id;
}

/** Past everything. */
function query(sql: string, values: unknown[]): Promise<object[]> {
  const url = new URL(inject('superuserUrl'));
  url.pathname = new URL(urls.appUrl).pathname;
  return askDatabase(url.href, sql, values);
}
