import { allTenants } from '@rapport/contracts';
import { ChangeOperation, type Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import { pipeline, settingStatement } from '@rapport/persistence';
import type { ClientBase } from 'pg';
import type { JobQueue } from '../jobs/job-queue.js';
import { exchangeOrigin } from './origin.js';
import { queueAutomaticRuns } from './run-store.js';

interface Scheduled {
  tenant_id: string;
  mapping_ids: string[];
}

/**
 * Notes which customers have changed for each mapping of their tenants, and queues its run. Runs in the transaction that moves the
 * cursor of the feed. What a mapping has written itself is no news to it.
 */
export async function noteChanges(client: ClientBase, jobs: JobQueue, changes: readonly Change[]): Promise<void> {
  const ofCustomers = changes.filter(({ type }) => type === 'customer');
  const tenants = [...new Set(ofCustomers.map(({ tenantId }) => tenantId))];
  if (tenants.length === 0) return;
  for (const { tenant_id: tenantId, mapping_ids: mappingIds } of await schedules(client, tenants)) {
    const own = ofCustomers.filter((change) => change.tenantId === tenantId || change.tenantId === allTenants);
    await pipeline(client, [settingStatement({ 'app.tenant_id': tenantId })]);
    if (own.some(({ operation }) => operation === ChangeOperation.GAP)) await readAllAgain(client, mappingIds);
    const hinted: string[] = [];
    for (const mappingId of mappingIds) {
      const news = own.filter(({ recordId, origin }) => recordId !== '' && origin !== exchangeOrigin(mappingId));
      await insertHints(client, tenantId, mappingId, news);
      if (news.length > 0) hinted.push(mappingId);
    }
    await queueAutomaticRuns(client, jobs, tenantId, hinted);
  }
}

/** Has every mapping look at all customers again: changes were missed. Runs in a transaction. */
export async function noteLoss(client: ClientBase, jobs: JobQueue): Promise<void> {
  for (const { tenant_id: tenantId, mapping_ids: mappingIds } of await schedules(client, [allTenants])) {
    await pipeline(client, [settingStatement({ 'app.tenant_id': tenantId })]);
    await readAllAgain(client, mappingIds);
    await queueAutomaticRuns(client, jobs, tenantId, mappingIds);
  }
}

async function schedules(client: ClientBase, tenants: readonly string[]): Promise<Scheduled[]> {
  const isForAll = tenants.includes(allTenants);
  const { rows } = await client.query<Scheduled>({
    name: 'mapping_tenants',
    text: `select tenant_id, array_agg(mapping_id::text order by mapping_id) as mapping_ids from mapping_schedule
      where $2 or tenant_id = any ($1::text[]::uuid[]) group by tenant_id order by tenant_id`,
    values: [tenants, isForAll],
  });
  return rows;
}

async function readAllAgain(client: ClientBase, mappingIds: readonly string[]): Promise<void> {
  await client.query(
    `update mapping_progress set are_customers_read = false, customers_page_token = null where mapping_id = any ($1::uuid[])`,
    [mappingIds],
  );
}

async function insertHints(
  client: ClientBase,
  tenantId: string,
  mappingId: string,
  changes: readonly Change[],
): Promise<void> {
  const hops = new Map<string, number>();
  for (const { recordId, hop } of changes) hops.set(recordId, Math.max(hop, hops.get(recordId) ?? 0));
  await client.query({
    name: 'insert_hints',
    text: `insert into sync_hint as known (tenant_id, mapping_id, side, record_id, hop)
      select $1, $2, 'CUSTOMER', record_id, hop from unnest($3::text[], $4::int[]) as hint (record_id, hop)
      order by record_id
      on conflict (tenant_id, mapping_id, side, record_id)
        do update set mark = gen_random_uuid(), hop = greatest(known.hop, excluded.hop)`,
    values: [tenantId, mappingId, [...hops.keys()], [...hops.values()]],
  });
}
