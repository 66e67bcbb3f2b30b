import { Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import { pipeline, settingStatement, type Statement } from '@rapport/persistence';
import type { ClientBase } from 'pg';
import type { SecretEnvelope } from '../storage/secret-envelope.js';

/** Defers changes of one tenant, behind those that wait already. Runs in the transaction that moves the cursor. */
export async function deferChanges(
  client: ClientBase,
  envelope: SecretEnvelope,
  tenantId: string,
  changes: readonly Change[],
): Promise<void> {
  const sealed = changes.map((change) =>
    envelope.seal(Buffer.from(Change.encode(change).finish()), changeOwner(tenantId, change.id)),
  );
  await pipeline(client, [
    settingStatement({ 'app.tenant_id': tenantId }),
    {
      name: 'defer_changes',
      sql: `with given as (
          select * from unnest($2::uuid[], $3::text[], $4::text[], $5::bytea[]) with ordinality
            as change (id, type, record_id, sealed_change, place)),
        deferred as (
          insert into deferred_change (tenant_id, change_id, type, record_id)
          select $1, id, type, record_id from given order by place
          returning number, change_id)
        insert into deferred_content (tenant_id, number, sealed_change)
        select $1, deferred.number, given.sealed_change from deferred join given on given.id = deferred.change_id`,
      values: [
        ...[tenantId, changes.map(({ id }) => id), changes.map(({ type }) => type)],
        ...[changes.map(({ recordId }) => recordId), sealed],
      ],
    },
  ]);
}

/** Owner of the sealed content. */
function changeOwner(tenantId: string, changeId: string): string {
  return `deferred_change/${tenantId}/${changeId}`;
}

/** The condition of `DueWork` for deferred changes. */
export const areChangesDeferred = 'exists (select from deferred_change where quarantine_time is null)';

/** Tenants with deferred changes, in random order. */
export async function waitingTenants(client: ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ tenant_id: string }>({
    name: 'waiting_tenants',
    text: `with recursive waiting (tenant_id) as (
        (select tenant_id from deferred_change where quarantine_time is null order by tenant_id limit 1)
        union all
        select next.tenant_id from waiting cross join lateral (
          select tenant_id from deferred_change
          where quarantine_time is null and tenant_id > waiting.tenant_id order by tenant_id limit 1) next)
      select tenant_id from waiting order by random()`,
  });
  return rows.map(({ tenant_id }) => tenant_id);
}

/**
 * The oldest deferred changes of a tenant, in order. Runs in a transaction, and blocks other processes from the tenant
 * until its end.
 *
 * @returns undefined while another process works on the tenant
 */
export async function takeDeferred(
  client: ClientBase,
  envelope: SecretEnvelope,
  tenantId: string,
  most: { changes: number; bytes: number },
): Promise<{ number: string; open: () => Change }[] | undefined> {
  const [, lock, found] = await pipeline(client, [
    settingStatement({ 'app.tenant_id': tenantId }),
    {
      name: 'lock_deferred_changes',
      sql: `select pg_try_advisory_xact_lock(hashtextextended('deferred changes ' || $1, 0)) as is_ours`,
      values: [tenantId],
    },
    { name: 'take_deferred_changes', sql: oldest, values: [tenantId, most.changes, most.bytes] },
  ]);
  const [{ is_ours: isOurs } = { is_ours: false }] = lock?.rows as [{ is_ours: boolean }];
  if (!isOurs) return undefined;
  return (found?.rows as { number: string; change_id: string; sealed_change: Buffer }[]).map((row) => ({
    number: row.number,
    open: () => Change.decode(envelope.open(row.sealed_change, changeOwner(tenantId, row.change_id))),
  }));
}

// The sizes are known without the contents. Includes the change that exceeds `$3`, so that there is at least one.
const oldest = `
  select number, change_id, sealed_change from (
    select waiting.number, waiting.change_id, content.sealed_change,
      sum(octet_length(content.sealed_change)) over (order by waiting.number) - octet_length(content.sealed_change) as before
    from (
      select number, change_id from deferred_change
      where tenant_id = $1 and quarantine_time is null order by number limit $2) waiting
    join deferred_content content on content.tenant_id = $1 and content.number = waiting.number) weighed
  where before < $3
  order by number`;

export function removeDeferred(tenantId: string, numbers: readonly string[]): Statement {
  return {
    name: 'remove_deferred_changes',
    sql: 'delete from deferred_change where tenant_id = $1 and number = any ($2::bigint[])',
    values: [tenantId, numbers],
  };
}

/** Counts a failure of a change. After several failures it goes into quarantine, and the changes behind it proceed. */
export function noteFailure(tenantId: string, number: string, reason: string, mostFailures: number): Statement {
  return {
    name: 'note_deferred_failure',
    sql: `update deferred_change set failures = failures + 1, reason = $3,
        quarantine_time = case when failures + 1 >= $4 then clock_timestamp() end
      where tenant_id = $1 and number = $2 and quarantine_time is null
      returning quarantine_time is not null as is_quarantined`,
    values: [tenantId, number, reason, mostFailures],
  };
}

/** Deletes changes in quarantine of records that were erased. */
export function forgetQuarantined(tenantId: string, recordIds: readonly string[]): Statement {
  return {
    name: 'forget_quarantined_changes',
    sql: `delete from deferred_change
      where tenant_id = $1 and quarantine_time is not null and record_id = any ($2::text[])`,
    values: [tenantId, recordIds],
  };
}
