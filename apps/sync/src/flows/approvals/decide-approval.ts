import type { EntityManager } from '@mikro-orm/postgresql';
import type { Approval } from '@rapport/contracts/rapport/flows/v1/approvals_service';
import { clientOfTransaction, recordAuditEvent, transactionPipeline } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument } from '@rapport/platform';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import { resumeWait } from '../runs/note-events.js';
import { noteNotice } from './notices.js';
import { approvalColumns, approvalMessage, commentOwner, type ApprovalRow } from './approval-row.js';

/** The decision of the caller. */
export interface Decided {
  approvalId: string;
  approved: boolean;
  comment: string | undefined;
}

/**
 * Stores the decision of the caller. With the quorum, or the first rejection, the run continues. Like all functions
 * here, it runs in a transaction; a second approver waits for its end.
 */
export async function decideApproval(
  em: EntityManager,
  envelope: SecretEnvelope,
  { approvalId, approved, comment }: Decided,
): Promise<Approval> {
  const { tenantId } = currentCaller();
  const { approval, userId } = await lockForCaller(em, approvalId);
  const sealed =
    comment === undefined ? null : envelope.seal(Buffer.from(comment), commentOwner(tenantId, approvalId, userId));
  await transactionPipeline(em, [
    {
      sql: `update flow_approver set is_approved = $4, sealed_comment = $5, decide_time = clock_timestamp()
        where tenant_id = $1 and approval_id = $2 and user_id = $3`,
      values: [tenantId, approvalId, userId, approved, sealed],
    },
    noteNotice(tenantId, approvalId),
  ]);
  const approvals = approval.approvers.filter(({ is_approved: isApproved }) => isApproved).length + (approved ? 1 : 0);
  if (!approved || approvals >= approval.quorum) {
    const decision = approved ? 'APPROVED' : 'REJECTED';
    await endApproval(em, envelope, approval, { decision, comment: comment ?? '', by: userId });
  }
  await recordAuditEvent(em, {
    kind: 'APPROVAL_DECIDED',
    records: [`approval/${approvalId}`],
    detail: { approved, flowRunId: approval.run_id },
  });
  return currentApproval(em, envelope, approvalId);
}

async function endApproval(
  em: EntityManager,
  envelope: SecretEnvelope,
  { id, run_id: runId, path }: ApprovalRow,
  output: { decision: 'APPROVED' | 'REJECTED'; comment: string; by: string },
): Promise<void> {
  const { tenantId } = currentCaller();
  await transactionPipeline(em, [
    {
      sql: `update flow_approval set state = $3, end_time = clock_timestamp() where tenant_id = $1 and id = $2`,
      values: [tenantId, id, output.decision],
    },
  ]);
  await resumeWait(await clientOfTransaction(em), envelope, { tenantId, runId, path, output });
}

/** Makes another user approver in place of the caller. @param userId of a user of the tenant */
export async function delegateApproval(
  em: EntityManager,
  envelope: SecretEnvelope,
  { approvalId, userId: successor }: { approvalId: string; userId: string },
): Promise<Approval> {
  const { tenantId } = currentCaller();
  const { approval, userId } = await lockForCaller(em, approvalId);
  if (approval.approvers.some((approver) => approver.user_id === successor)) {
    throw invalidArgument([{ field: 'delegation.userId', reason: 'DUPLICATE', description: 'is an approver already' }]);
  }
  await transactionPipeline(em, [
    {
      sql: `update flow_approver set user_id = $4 where tenant_id = $1 and approval_id = $2 and user_id = $3`,
      values: [tenantId, approvalId, userId, successor],
    },
    noteNotice(tenantId, approvalId),
  ]);
  await recordAuditEvent(em, {
    kind: 'APPROVAL_DELEGATED',
    records: [`approval/${approvalId}`],
    detail: { to: `user:${successor}` },
  });
  return currentApproval(em, envelope, approvalId);
}

/** @returns undefined unless the caller is a user */
export function callingUser(): string | undefined {
  return /^user:(.+)$/.exec(currentCaller().principalId)?.[1];
}

/** @throws AppError APPROVAL_NOT_FOUND, APPROVAL_ENDED, NOT_APPROVER or ALREADY_DECIDED */
async function lockForCaller(em: EntityManager, id: string): Promise<{ approval: ApprovalRow; userId: string }> {
  const { tenantId, permissions } = currentCaller();
  // The approvers are read after the lock is held: another one may have decided meanwhile.
  const [, rows] = await transactionPipeline(em, [
    { sql: 'select from flow_approval where tenant_id = $1 and id = $2 for update', values: [tenantId, id] },
    selectApproval(tenantId, id),
  ]);
  const approval = rows?.[0] as ApprovalRow | undefined;
  const userId = callingUser();
  const own = approval?.approvers.find((approver) => approver.user_id === userId);
  if (!approval || (!own && !permissions.includes('flows.read'))) throw approvalNotFound();
  if (approval.state !== 'PENDING' || new Date(approval.due_time).getTime() <= Date.now()) {
    throw new AppError('FAILED_PRECONDITION', 'APPROVAL_ENDED', 'The approval has ended.');
  }
  if (!own || userId === undefined) {
    throw new AppError('PERMISSION_DENIED', 'NOT_APPROVER', 'Only the approvers can decide.');
  }
  if (own.is_approved === null) return { approval, userId };
  throw new AppError('FAILED_PRECONDITION', 'ALREADY_DECIDED', 'You have decided already.');
}

export function selectApproval(tenantId: string, id: string) {
  return {
    sql: `select ${approvalColumns} from flow_approval approval where tenant_id = $1 and id = $2`,
    values: [tenantId, id],
  };
}

async function currentApproval(em: EntityManager, envelope: SecretEnvelope, id: string): Promise<Approval> {
  const { tenantId } = currentCaller();
  const [rows] = await transactionPipeline(em, [selectApproval(tenantId, id)]);
  return approvalMessage(envelope, tenantId, rows?.[0] as ApprovalRow);
}

/** Also for an approval that the caller can not see. */
export function approvalNotFound(): AppError {
  return new AppError('NOT_FOUND', 'APPROVAL_NOT_FOUND', 'There is no such approval.');
}
