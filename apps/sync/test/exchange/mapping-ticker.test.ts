import type { MikroORM } from '@mikro-orm/postgresql';
import { createOrm } from '@rapport/persistence';
import type { ProvisionedDatabase } from '@rapport/testing';
import { v4 as uuidv4 } from 'uuid';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { entities } from '../../src/database.js';
import { MappingTicker } from '../../src/exchange/runs/mapping-ticker.js';
import { JobQueue } from '../../src/storage/job-queue.js';
import { askDatabase } from '../ask-database.ts';
import { createSyncDatabase } from '../sync-databases.ts';

/** Longer than any test takes. */
const neverMs = 2 ** 31 - 1;

let urls: ProvisionedDatabase;
let orm: MikroORM;
let jobs: JobQueue;
let ticker: MappingTicker;

beforeAll(async () => {
  urls = await createSyncDatabase();
  orm = createOrm({ databaseUrl: urls.appUrl, entities });
  jobs = new JobQueue(urls.appUrl, () => Promise.resolve());
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
  const mapping = await dueMapping();
  const queued = () => query('select state from sync_run where mapping_id = $1', [mapping]);

  // Again, for as long as the queue has not started.
  await expect
    .poll(() => {
      ticker.wake();
      return queued();
    })
    .toEqual([{ state: 'QUEUED' }]);
});

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
