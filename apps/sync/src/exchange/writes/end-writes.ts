import { setTimeout as delay } from 'node:timers/promises';
import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows } from '@rapport/persistence';
import { AppError, callContext, currentCaller } from '@rapport/platform';
import { areRunsActive } from '../../storage/job-queue.js';

/** Interval between looks at the writes in progress, in milliseconds. */
const lookEveryMs = 50;

/** A connection or a mapping that a call has stopped. */
export type Stopped = { connectionId: string } | { mappingId: string };

/**
 * Waits for the writes that runs began before a connection was disabled or a mapping paused. Later writes find the change.
 *
 * @param em outside of a transaction
 * @throws AppError CANCELLED when the other system takes longer than the call may: a repeated call waits again
 */
export async function endWrites(em: EntityManager, stopped: Stopped): Promise<void> {
  const { gone } = callContext.getStore() ?? {};
  while (await areWriting(em, stopped)) {
    if (gone?.aborted) throw new AppError('CANCELLED', 'CANCELLED', 'The client has gone.');
    await delay(lookEveryMs);
  }
}

/** Whether runs have begun writes that may not have ended. Those of a process that has died count for some 10 seconds. */
export async function areWriting(em: EntityManager, of: Stopped): Promise<boolean> {
  const [column, id] =
    'mappingId' in of ? (['id', of.mappingId] as const) : (['connection_id', of.connectionId] as const);
  const [found] = await queryRows<{ are_writing: boolean }>(em, {
    name: `are_writing_by_${column}`,
    sql: `select exists (
        select from mapping join sync_link link on link.tenant_id = mapping.tenant_id and link.mapping_id = mapping.id
        where mapping.tenant_id = $1 and mapping.${column} = $2 and link.sealed_intent is not null
          and ${areRunsActive('mapping.id')} and exists (
            select from sync_run run where run.tenant_id = mapping.tenant_id and run.mapping_id = mapping.id
              and run.state = 'RUNNING' and not run.dry_run)) as are_writing`,
    values: [currentCaller().tenantId, id],
  });
  return found?.are_writing ?? false;
}
