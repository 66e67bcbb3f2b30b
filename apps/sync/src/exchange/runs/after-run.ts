import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant } from '@rapport/persistence';
import type { Connection } from '../connections/connection.entity.js';
import type { Mapping } from '../mappings/mapping.entity.js';
import type { RunFailure } from './run-failure.js';

/** A successful run ends the error state of its mapping. */
export async function goOn(
  em: EntityManager,
  { tenantId, id, state, connectionId }: Mapping,
  nextSeconds: number,
): Promise<void> {
  if (state === 'STOPPED') {
    // The mappings of a disabled connection are not due.
    await readForTenant(em, {
      sql: `with enabled as materialized (
          select from connection where tenant_id = $1 and id = $3 and state = 'ENABLED' for share),
        begun as (
          update mapping set state = 'ENABLED', error_reason = null, error_message = null
          where tenant_id = $1 and id = $2 and state = 'STOPPED' returning id)
        insert into mapping_schedule (mapping_id, tenant_id, connection_id, due_time)
        select id, $1, $3, now() from begun where exists (select from enabled) on conflict do nothing`,
      values: [tenantId, id, connectionId],
    });
  }
  // A mapping that became due during the run stays due. While its connection is on hold it is due at the end of the
  // hold: until then, changes of customers are noted but queue no run.
  await readForTenant(em, {
    name: 'postpone_mapping',
    sql: `update mapping_schedule set due_time = clock_timestamp() + make_interval(secs => $2)
      where mapping_id = $1 and due_time > clock_timestamp()
        and (hold_time is null or hold_time <= clock_timestamp())`,
    values: [id, nextSeconds],
  });
}

/**
 * Stops a mapping after a failure that a user must act on, or holds all mappings of its connection for a time. A connection that was
 * changed in the last moment has made its mappings due.
 */
export async function stopOrHold(
  em: EntityManager,
  { tenantId, id }: Mapping,
  connection: Connection,
  { reason, message, retryAfterMs }: RunFailure,
): Promise<void> {
  const same = 'same as (select from connection where tenant_id = $1 and id = $2 and version = $3 for share)';
  const values = [tenantId, connection.id, connection.version];
  if (retryAfterMs !== undefined) {
    // All mappings of the connection wait, in every process.
    await readForTenant(em, {
      name: 'hold_connection',
      sql: `with ${same}
        update mapping_schedule set due_time = held.until, hold_time = held.until
        from (select clock_timestamp() + make_interval(secs => $4) as until) held
        where connection_id = $2 and exists (select from same)`,
      values: [...values, retryAfterMs / 1_000],
    });
    return;
  }
  await readForTenant(em, {
    sql: `with ${same}, stopped as (
        update mapping set state = 'STOPPED', error_reason = $5, error_message = $6
        where tenant_id = $1 and id = $4 and state <> 'PAUSED' and exists (select from same))
      delete from mapping_schedule where mapping_id = $4 and exists (select from same)`,
    values: [...values, id, reason, message],
  });
}
