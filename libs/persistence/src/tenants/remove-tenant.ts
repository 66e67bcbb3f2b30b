import type { EntityManager } from '@mikro-orm/postgresql';
import { filledTables, removeTenantRows, tenantTables } from './tenant-rows.js';

/** Rows per statement: it holds locks for milliseconds. */
const batchSize = 200;

/** Longest duration of a pass, in milliseconds: shorter than the deadline of a call. */
const passMs = 4_000;

/** The result of one pass. */
export interface RemovalPass {
  rows: number;
  /**
   * Whether it has checked every table. A complete pass that finds nothing proves that no row of the tenant is left.
   */
  isComplete: boolean;
}

/**
 * Removes rows of a closed tenant from a service's database for some seconds, in short statements. Call it until a
 * complete pass finds nothing.
 *
 * @param em of the tenant's session
 * @param options.history database functions that each remove up to a number of rows of the session's tenant from tables
 *   that the service can't delete from, such as `remove_audit`
 * @param options.step runs one statement, for example after a pause
 */
export async function removeTenant(
  em: EntityManager,
  {
    tenantId,
    history,
    step = (work) => work(),
  }: {
    tenantId: string;
    history: readonly string[];
    step?: (work: () => Promise<unknown[]>) => Promise<unknown[]>;
  },
): Promise<RemovalPass> {
  const signal = AbortSignal.timeout(passMs);
  // One statement finds them, so that a pass that finds none is complete however busy the service is.
  const tables = await filledTables(em, await tenantTables(em), tenantId);
  let rows = await removeTenantRows(em, tables, { tenantId, signal, limit: batchSize, step });
  for (const name of history) {
    for (let removed = 1; removed > 0 && !signal.aborted;) {
      const [answer] = (await step(() => em.execute<unknown[]>(`select ${name}(?) as removed`, [batchSize]))) as [
        { removed: number },
      ];
      removed = answer.removed;
      rows += removed;
    }
  }
  return { rows, isComplete: !signal.aborted };
}
