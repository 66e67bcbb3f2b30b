import type { EntityManager } from '@mikro-orm/postgresql';
import { isUniqueViolation, recordAuditEvent, transactionPipeline } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import type { ActiveFlow } from '../definitions/active-flows.js';
import { enteringType } from '../enrollments/enter-flow.js';
import { backfillJob } from './bulk-starts.js';

/** @throws AppError FAILED_PRECONDITION for a flow that does not run for customers without inputs */
export function checkBackfilling({ definition: { trigger } }: ActiveFlow): void {
  const { manual, segment } = trigger ?? {};
  const needsInput = manual?.inputs.some(({ required }) => required) ?? false;
  if (segment?.joined || (manual?.type === enteringType && !needsInput)) return;
  const message =
    'Only flows with the trigger `segment`, for customers that join, or `manual`, for customers and without required inputs, can run for a segment.';
  throw new AppError('FAILED_PRECONDITION', 'FLOW_TRIGGER_UNSUPPORTED', message);
}

/** Handles BackfillFlow. Runs in a transaction. @param segment as the caller sees it @returns the id of the backfill */
export async function startBackfill(
  em: EntityManager,
  { flowId, version }: ActiveFlow,
  segment: { id: string; size: number },
): Promise<string> {
  const { tenantId, principalId } = currentCaller();
  const id = uuidv7();
  const [flow] = await transactionPipeline(em, [
    // A call that retires the flow comes before, or cancels the backfill.
    {
      sql: `select id from flow where tenant_id = $1 and id = $2 and state = 'ACTIVE' for share`,
      values: [tenantId, flowId],
    },
  ]);
  if (flow?.length !== 1) throw new AppError('FAILED_PRECONDITION', 'FLOW_STATE_WRONG', 'The flow is not ACTIVE.');
  try {
    await transactionPipeline(em, [
      {
        sql: `insert into flow_backfill (tenant_id, id, flow_id, version, cause, state, is_read, segment_id, size, created_by)
          values ($1, $2, $3, $4, 'SEGMENT', 'RUNNING', false, $5, $6, $7)`,
        values: [tenantId, id, flowId, version, segment.id, segment.size, principalId],
      },
      backfillJob(tenantId, flowId, id),
    ]);
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    const message = 'The flow has a running backfill for the segment.';
    throw new AppError('FAILED_PRECONDITION', 'FLOW_BACKFILL_RUNNING', message, { cause: error });
  }
  const detail = { backfillId: id, segmentId: segment.id };
  await recordAuditEvent(em, { kind: 'FLOW_BACKFILL_STARTED', records: [`flow/${flowId}`], detail });
  return id;
}
