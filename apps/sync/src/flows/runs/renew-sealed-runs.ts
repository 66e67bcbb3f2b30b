import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant } from '@rapport/persistence';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';

interface SealedColumn {
  table: string;
  column: string;
  /** SQL: whether a row `sealed` is of the run of `job`. */
  ofRun: string;
  /** SQL: what the owner of the value ends with, after the table and the tenant. */
  owner: string;
}

/** Sealed columns of runs. Ended runs are deleted before a master key would be removed. */
const sealedColumns: readonly SealedColumn[] = [
  ...['sealed_start', 'sealed_state'].map((column) => ({
    ...{ table: 'flow_run', column, ofRun: 'sealed.id = job.run_id', owner: 'sealed.id::text' },
  })),
  ...[
    { table: 'flow_step_run', column: 'sealed_input' },
    { table: 'flow_step_run', column: 'sealed_result' },
    { table: 'flow_event', column: 'sealed_data' },
  ].map((each) => ({ ...each, ofRun: 'sealed.run_id = job.run_id', owner: 'sealed.run_id::text' })),
  {
    ...{ table: 'flow_approval', column: 'sealed_question' },
    ...{ ofRun: 'sealed.run_id = job.run_id', owner: 'sealed.id::text' },
  },
  {
    ...{ table: 'flow_approver', column: 'sealed_comment' },
    ofRun: `sealed.approval_id in (select id from flow_approval where tenant_id = $1 and run_id = job.run_id)`,
    owner: `sealed.approval_id || '/' || sealed.user_id`,
  },
];

const batchSize = 500;

/** Reseals what a tenant's runs that have not ended know, with their approvals, under the current master key. */
export async function renewSealedRuns(em: EntityManager, tenantId: string, envelope: SecretEnvelope): Promise<void> {
  for (const column of sealedColumns) {
    while (await renewSome(em, column, tenantId, envelope));
  }
}

/** @returns false when nothing was left to do */
async function renewSome(
  em: EntityManager,
  { table, column, ofRun, owner }: SealedColumn,
  tenantId: string,
  envelope: SecretEnvelope,
): Promise<boolean> {
  const rows = await readForTenant<{ place: string; owner: string; sealed: Buffer }>(em, {
    sql: `select sealed.ctid::text as place, ${owner} as owner, sealed.${column} as sealed
      from flow_job job join ${table} sealed on sealed.tenant_id = $1 and ${ofRun}
      where job.tenant_id = $1 and substr(sealed.${column}, 1, $2) <> $3 limit ${batchSize}`,
    values: [tenantId, envelope.head.length, envelope.head],
  });
  for (const { place, owner: id, sealed } of rows) {
    await readForTenant(em, {
      // A value that the worker has stored in the meantime stays as it is.
      sql: `update ${table} set ${column} = $3 where ctid = $1::tid and ${column} = $2`,
      values: [place, sealed, envelope.renew(sealed, `${table}/${tenantId}/${id}`)],
    });
  }
  return rows.length > 0;
}
