import { AppError } from '@rapport/platform';
import type { ClientBase } from 'pg';
import { endRun, lockRun, type EndParts } from '../runs/end-runs.js';
import type { ExitReason } from './end-enrollment.js';

/**
 * Ends a run before its next step, since its customer leaves. Runs in a transaction whose tenant is set.
 *
 * @returns false when the run has ended already
 */
export async function leaveFlow(
  client: ClientBase,
  parts: EndParts,
  { tenantId, runId, reason }: { tenantId: string; runId: string; reason: ExitReason },
): Promise<boolean> {
  if (!(await lockRun(client, tenantId, runId))) return false;
  await endRun(client, parts, { tenantId, runId, state: 'EXITED', variables: {}, exitReason: reason });
  return true;
}

/**
 * Enrolls the customer of a failed run again, which continues.
 *
 * @throws AppError FAILED_PRECONDITION RUN_SUPPRESSED if the customer has entered the flow meanwhile
 */
export async function enterAgain(client: ClientBase, tenantId: string, runId: string): Promise<void> {
  const { rows } = await client.query<{ id: string; isIn: boolean }>(
    `select id, exists (select from flow_enrollment later where later.tenant_id = $1 and later.flow_id = own.flow_id
        and later.customer_id = own.customer_id and later.state in ('ACTIVE', 'PAUSED')) as "isIn"
      from flow_enrollment own where tenant_id = $1 and run_id = $2 and state = 'EXITED' for update`,
    [tenantId, runId],
  );
  const [own] = rows;
  if (!own) return;
  if (own.isIn) {
    const details = { metadata: { reason: 'ENROLLED' } };
    throw new AppError('FAILED_PRECONDITION', 'RUN_SUPPRESSED', 'The customer has entered the flow again.', details);
  }
  await client.query(
    `update flow_enrollment set state = 'ACTIVE', exit_reason = null, end_time = null where tenant_id = $1 and id = $2`,
    [tenantId, own.id],
  );
}
