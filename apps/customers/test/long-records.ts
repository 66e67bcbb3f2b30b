import type { Caller } from '@rapport/platform';
import pg from 'pg';
import type { RunningCustomers } from './running-customers.js';

/** Adds customers of 20 kB each to a tenant: 400 exceed the buffers between the service and a stalled reader. */
export async function addLongRecords(customers: RunningCustomers, { tenantId }: Caller, count = 400): Promise<void> {
  const app = new pg.Client(customers.urls.appUrl);
  await app.connect();
  await app.query('begin');
  await app.query(`select set_config('app.tenant_id', $1, true)`, [tenantId]);
  await app.query(
    `insert into customer (tenant_id, id, kind, display_name, job_title, emails, phones, addresses, external_ids,
       domains, tags, search_text, sort_name, version, create_time, update_time, created_by, updated_by)
     select $1, gen_random_uuid(), 'PERSON', 'x', repeat('x', 20000), '[]', '[]', '[]', '[]', '{}', '{}', 'x', 'x', 1,
       now(), now(), 'test', 'test'
     from generate_series(1, $2)`,
    [tenantId, count],
  );
  await app.query('commit');
  await app.end();
}
