import type { EntityManager } from '@mikro-orm/postgresql';
import { pipeline, recordAuditEvent } from '@rapport/persistence';
import { AppError, currentCaller, type AuditKind } from '@rapport/platform';
import type { ClientBase } from 'pg';
import { lockRun, type EndParts } from '../runs/end-runs.js';
import { transactionClient } from '../serve-runs/transaction-client.js';
import { enrollmentNotFound, selectEnrollments, type EnrollmentRow } from './enrollment-row.js';
import { leaveFlow } from './leave-flow.js';

/** Handles PauseFlowEnrollment and ResumeFlowEnrollment. Like all functions here, it runs in a transaction. */
export async function pauseEnrollment(em: EntityManager, id: string, isPaused: boolean): Promise<void> {
  const { tenantId } = currentCaller();
  const { client, row } = await lockEnrollment(em, id);
  checkState(row, isPaused ? 'ACTIVE' : 'PAUSED');
  await pipeline(client, [
    {
      name: 'pause_flow_enrollment',
      sql: 'update flow_enrollment set state = $3 where tenant_id = $1 and id = $2',
      values: [tenantId, id, isPaused ? 'PAUSED' : 'ACTIVE'],
    },
    {
      // A worker that has claimed the run stops after its effects.
      name: 'pause_flow_job',
      sql: 'update flow_job set is_paused = $2 where run_id = $1',
      values: [row.run_id, isPaused],
    },
  ]);
  await audit(em, isPaused ? 'FLOW_ENROLLMENT_PAUSED' : 'FLOW_ENROLLMENT_RESUMED', row);
}

/** Handles ExitFlowEnrollment. */
export async function exitEnrollment(em: EntityManager, parts: EndParts, id: string): Promise<void> {
  const { tenantId } = currentCaller();
  const { client, row } = await lockEnrollment(em, id);
  checkState(row, 'ACTIVE', 'PAUSED');
  await leaveFlow(client, parts, { tenantId, runId: row.run_id, reason: 'MANUAL' });
  await audit(em, 'FLOW_ENROLLMENT_EXITED', row);
}

/** Locks the run first, as what ends it does. @throws AppError NOT_FOUND */
async function lockEnrollment(em: EntityManager, id: string): Promise<{ client: ClientBase; row: EnrollmentRow }> {
  const { tenantId } = currentCaller();
  const client = await transactionClient(em);
  const found = () => findEnrollment(client, tenantId, id);
  await lockRun(client, tenantId, (await found()).run_id);
  return { client, row: await found() };
}

/** @throws AppError NOT_FOUND, also for an enrollment of another tenant */
async function findEnrollment(client: ClientBase, tenantId: string, id: string): Promise<EnrollmentRow> {
  const { rows } = await client.query<EnrollmentRow>(
    `${selectEnrollments} where enrolled.tenant_id = $1 and enrolled.id = $2`,
    [tenantId, id],
  );
  const [row] = rows;
  if (!row) throw enrollmentNotFound();
  return row;
}

function checkState({ state }: EnrollmentRow, ...allowed: EnrollmentRow['state'][]): void {
  if (allowed.includes(state)) return;
  const message = `The enrollment is ${state}. It has to be ${allowed.join(' or ')}.`;
  throw new AppError('FAILED_PRECONDITION', 'FLOW_ENROLLMENT_STATE', message, { metadata: { state } });
}

function audit(em: EntityManager, kind: AuditKind, { id, flow_id: flowId }: EnrollmentRow): Promise<void> {
  return recordAuditEvent(em, { kind, records: [`flow/${flowId}`], detail: { enrollmentId: id } });
}
