import type { Caller } from '@rapport/platform';
import type { RunningCustomers } from './running-customers.js';
import { pastTheLog } from './seeded-tenant.js';

/**
 * Adds customers of 20 kB each to a tenant, without the change log: 400 exceed the buffers between the service and a stalled
 * reader.
 */
export async function addLongRecords(customers: RunningCustomers, { tenantId }: Caller, count = 400): Promise<void> {
  await pastTheLog(customers, (client) =>
    client.query(
      `insert into customer (tenant_id, id, kind, display_name, job_title, emails, phones, addresses, external_ids,
         domains, tags, search_text, sort_name, version, create_time, update_time, created_by, updated_by)
       select $1, gen_random_uuid(), 'PERSON', 'x', repeat('x', 20000), '[]', '[]', '[]', '[]', '{}', '{}', 'x', 'x', 1,
         now(), now(), 'test', 'test'
       from generate_series(1, $2)`,
      [tenantId, count],
    ),
  );
}
