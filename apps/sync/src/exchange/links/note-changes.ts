import { ChangeOperation, type Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import { pipeline, settingStatement } from '@rapport/persistence';
import type { ClientBase } from 'pg';
import type { JobQueue } from '../../storage/job-queue.js';
import { definitionChangeTypes, exchangedTypes } from '../mappings/records/exchanged-types.js';
import { exchangeOrigin } from '../origin.js';
import { retryConflicts } from '../runs/retry-conflicts.js';
import { queueAutomaticRuns } from '../runs/run-store.js';

const exchangedChangeTypes = new Set([...exchangedTypes.values()].map(({ changeType }) => changeType));

/**
 * Stores hints of changed records of Rapport for each mapping of a tenant, and queues its run. Runs in the transaction
 * that moves the cursor of the feed. A mapping ignores its own writes.
 *
 * @param mappingIds enabled mappings of the tenant
 * @param changes of the tenant, or of all tenants
 */
export async function noteChanges(
  client: ClientBase,
  jobs: JobQueue,
  tenantId: string,
  mappingIds: readonly string[],
  changes: readonly Change[],
): Promise<void> {
  const isDefinitionChanged = changes.some(({ type }) => definitionChangeTypes.has(type));
  const ofRecords = changes.filter(({ type }) => exchangedChangeTypes.has(type));
  if ((ofRecords.length === 0 && !isDefinitionChanged) || mappingIds.length === 0) return;
  const typesByMapping = await changeTypesOf(client, tenantId, mappingIds);
  // A refused value may be valid after its definition was changed or deleted.
  if (isDefinitionChanged) await pipeline(client, [retryConflicts(tenantId, mappingIds)]);
  // The feed reports a gap for customers only, but it affects all types.
  const isGap = ofRecords.some(({ operation }) => operation === ChangeOperation.GAP);
  if (isGap) await readAllAgain(client, mappingIds);
  const due: string[] = [];
  for (const mappingId of mappingIds) {
    const own = ofRecords.filter(({ type }) => type === typesByMapping.get(mappingId));
    const news = own.filter(({ recordId, origin }) => recordId !== '' && origin !== exchangeOrigin(mappingId));
    if (news.length > 0) await insertHints(client, tenantId, mappingId, news);
    if (news.length > 0 || isGap || isDefinitionChanged) due.push(mappingId);
  }
  await queueAutomaticRuns(client, jobs, tenantId, due);
}

/** The change log's type of each mapping's records. Sets the tenant of the transaction. */
async function changeTypesOf(
  client: ClientBase,
  tenantId: string,
  mappingIds: readonly string[],
): Promise<ReadonlyMap<string, string | undefined>> {
  const [, found] = await pipeline(client, [
    settingStatement({ 'app.tenant_id': tenantId }),
    {
      name: 'objects_of_mappings',
      sql: 'select id, object from mapping where tenant_id = $1 and id = any ($2::uuid[])',
      values: [tenantId, mappingIds],
    },
  ]);
  const rows = (found?.rows ?? []) as { id: string; object: string }[];
  return new Map(rows.map(({ id, object }) => [id, exchangedTypes.get(object)?.changeType]));
}

/** Makes every mapping read all its records of Rapport again, because changes were missed. */
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
