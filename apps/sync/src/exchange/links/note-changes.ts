import { ChangeOperation, type Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import { pipeline, settingStatement } from '@rapport/persistence';
import type { ClientBase } from 'pg';
import type { JobQueue } from '../../jobs/job-queue.js';
import { exchangeOrigin } from '../origin.js';
import { retryConflicts } from '../runs/retry-conflicts.js';
import { queueAutomaticRuns } from '../runs/run-store.js';

/**
 * Notes which customers have changed for each mapping of a tenant, and queues its run. Runs in the transaction that moves the cursor of
 * the feed. What a mapping has written itself is no news to it.
 *
 * @param mappingIds of the tenant, those that are enabled
 * @param changes of the tenant, or of all
 */
export async function noteChanges(
  client: ClientBase,
  jobs: JobQueue,
  tenantId: string,
  mappingIds: readonly string[],
  changes: readonly Change[],
): Promise<void> {
  const ofCustomers = changes.filter(({ type }) => type === 'customer');
  const isDefinitionChanged = changes.some(({ type }) => type === 'custom_field');
  if ((ofCustomers.length === 0 && !isDefinitionChanged) || mappingIds.length === 0) return;
  await pipeline(client, [settingStatement({ 'app.tenant_id': tenantId })]);
  // What a value was refused for may be gone with the definition that it did not meet.
  if (isDefinitionChanged) await pipeline(client, [retryConflicts(tenantId, mappingIds)]);
  const isGap = ofCustomers.some(({ operation }) => operation === ChangeOperation.GAP);
  if (isGap) await readAllAgain(client, mappingIds);
  const due: string[] = [];
  for (const mappingId of mappingIds) {
    const news = ofCustomers.filter(({ recordId, origin }) => recordId !== '' && origin !== exchangeOrigin(mappingId));
    if (news.length > 0) await insertHints(client, tenantId, mappingId, news);
    if (news.length > 0 || isGap || isDefinitionChanged) due.push(mappingId);
  }
  await queueAutomaticRuns(client, jobs, tenantId, due);
}

/** Has every mapping look at all customers again: changes were missed. */
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
