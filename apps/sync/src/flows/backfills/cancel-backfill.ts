import type { EntityManager } from '@mikro-orm/postgresql';
import {
  pipeline,
  recordAuditEvent,
  settingStatement,
  transactionPipeline,
  withConnection,
  type Statement,
} from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { backfillNotFound, type CancelReason } from './backfill-row.js';
import { lockBulk } from './bulk-starts.js';
import type { BackfillJob } from './claim-backfills.js';

/** Handles CancelFlowBackfill. Runs in a transaction. The worker deletes the runs that have not begun. */
export async function cancelBackfill(em: EntityManager, id: string): Promise<void> {
  const { tenantId } = currentCaller();
  const find = {
    sql: 'select flow_id, state from flow_backfill where tenant_id = $1 and id = $2',
    values: [tenantId, id],
  };
  const [found] = await transactionPipeline(em, [find]);
  const [known] = (found ?? []) as { flow_id: string }[];
  if (!known) throw backfillNotFound();
  const [, locked, ended] = await transactionPipeline(em, [
    lockBulk(known.flow_id),
    { ...find, sql: `${find.sql} for no key update` },
    ...endStatements(tenantId, known.flow_id, { backfillId: id, reason: 'MANUAL' }),
  ]);
  if (ended?.length !== 1) {
    const [{ state } = { state: 'gone' }] = (locked ?? []) as { state: string }[];
    throw new AppError('FAILED_PRECONDITION', 'FLOW_BACKFILL_ENDED', `The backfill has ended: ${state}.`);
  }
  const detail = { backfillId: id };
  await recordAuditEvent(em, { kind: 'FLOW_BACKFILL_CANCELLED', records: [`flow/${known.flow_id}`], detail });
}

/** Ends a backfill that can not go on. */
export async function endBackfill(em: EntityManager, job: BackfillJob, reason: CancelReason): Promise<void> {
  const { tenantId, flowId, backfillId } = job;
  await withConnection(em, (client) =>
    pipeline(client, [
      { name: 'begin', sql: 'begin' },
      settingStatement({ 'app.tenant_id': tenantId }),
      lockBulk(flowId),
      ...endStatements(tenantId, flowId, { backfillId, reason }),
      { name: 'commit', sql: 'commit' },
    ]),
  );
}

/** Statements that end the running backfills of a flow, or one of them, after the lock of its starts. */
export function endStatements(
  tenantId: string,
  flowId: string,
  { backfillId, reason }: { backfillId?: string; reason: CancelReason },
): Statement[] {
  return [
    {
      name: 'cancel_flow_backfills',
      sql: `update flow_backfill set state = 'CANCELLED', cancel_reason = $4, end_time = clock_timestamp(),
          update_time = clock_timestamp(), is_read = true,
          suppressed = suppressed + case when is_read then 0 else greatest(size - started - suppressed, 0) end
        where tenant_id = $1 and flow_id = $2 and state = 'RUNNING' and ($3::uuid is null or id = $3)
        returning id`,
      values: [tenantId, flowId, backfillId ?? null, reason],
    },
    wakeBackfills(tenantId, flowId),
  ];
}

/** Makes the backfills of a flow due. */
export function wakeBackfills(tenantId: string, flowId: string): Statement {
  return {
    name: 'wake_flow_backfills',
    sql: 'update flow_backfill_job set due_time = clock_timestamp() where tenant_id = $1 and flow_id = $2',
    values: [tenantId, flowId],
  };
}
