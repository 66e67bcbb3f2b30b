import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant } from '@rapport/persistence';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';

/** Sealed columns of runs, and the column of the run. Ended runs are deleted before a master key would be removed. */
const sealedColumns = [
  ['flow_run', 'sealed_start', 'id'],
  ['flow_run', 'sealed_state', 'id'],
  ['flow_step_run', 'sealed_input', 'run_id'],
  ['flow_step_run', 'sealed_result', 'run_id'],
  ['flow_event', 'sealed_data', 'run_id'],
] as const;

const batchSize = 500;

/** Reseals what a tenant's runs that have not ended know under the current master key. */
export async function renewSealedRuns(em: EntityManager, tenantId: string, envelope: SecretEnvelope): Promise<void> {
  for (const column of sealedColumns) {
    while (await renewSome(em, column, tenantId, envelope));
  }
}

/** @returns false when nothing was left to do */
async function renewSome(
  em: EntityManager,
  [table, column, runColumn]: (typeof sealedColumns)[number],
  tenantId: string,
  envelope: SecretEnvelope,
): Promise<boolean> {
  const rows = await readForTenant<{ place: string; runId: string; sealed: Buffer }>(em, {
    sql: `select sealed.ctid::text as place, job.run_id as "runId", sealed.${column} as sealed
      from flow_job job join ${table} sealed on sealed.tenant_id = $1 and sealed.${runColumn} = job.run_id
      where job.tenant_id = $1 and substr(sealed.${column}, 1, $2) <> $3 limit ${batchSize}`,
    values: [tenantId, envelope.head.length, envelope.head],
  });
  for (const { place, runId, sealed } of rows) {
    await readForTenant(em, {
      // A value that the worker has stored in the meantime stays as it is.
      sql: `update ${table} set ${column} = $3 where ctid = $1::tid and ${column} = $2`,
      values: [place, sealed, envelope.renew(sealed, `${table}/${tenantId}/${runId}`)],
    });
  }
  return rows.length > 0;
}
