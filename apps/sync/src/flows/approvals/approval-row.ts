import { ApprovalState, type Approval } from '@rapport/contracts/rapport/flows/v1/approvals_service';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import { recordOf } from '../serve-runs/record-access.js';

type Time = string | Date;

/** An approval as `approvalColumns` select it. */
export interface ApprovalRow {
  id: string;
  run_id: string;
  path: string;
  flow_id: string;
  flow_name: string;
  sealed_question: Buffer | string;
  record_type: string | null;
  record_id: string | null;
  quorum: number;
  state: 'PENDING' | 'APPROVED' | 'REJECTED' | 'TIMED_OUT' | 'CANCELLED';
  due_time: Time;
  create_time: Time;
  end_time: Time | null;
  approvers: ApproverRow[];
}

/** A user who can decide, in JSON. */
export interface ApproverRow {
  user_id: string;
  is_approved: boolean | null;
  /** In hexadecimal. */
  sealed_comment: string | null;
  decide_time: string | null;
}

/** Columns of `flow_approval approval`, with its approvers in order. */
export const approvalColumns = `approval.id, run_id, path, flow_id, flow_name, sealed_question, record_type, record_id, quorum,
  state, due_time, create_time, end_time, (
    select json_agg(json_build_object('user_id', user_id, 'is_approved', is_approved,
      'sealed_comment', encode(sealed_comment, 'hex'), 'decide_time', decide_time) order by place, user_id)
    from flow_approver approver where approver.tenant_id = approval.tenant_id and approver.approval_id = approval.id
  ) as approvers`;

/** Owner of a sealed question. */
export function questionOwner(tenantId: string, approvalId: string): string {
  return `flow_approval/${tenantId}/${approvalId}`;
}

/** Owner of a sealed comment. */
export function commentOwner(tenantId: string, approvalId: string, userId: string): string {
  return `flow_approver/${tenantId}/${approvalId}/${userId}`;
}

/** @param hidesRecord whether the caller may not learn about the record: its texts are empty, and its id is absent */
export function approvalMessage(
  envelope: SecretEnvelope,
  tenantId: string,
  row: ApprovalRow,
  hidesRecord = false,
): Approval {
  const open = (sealed: Buffer, owner: string) => (hidesRecord ? '' : envelope.open(sealed, owner).toString());
  const decided = row.approvers.filter(({ is_approved: isApproved }) => isApproved !== null);
  return {
    ...{ id: row.id, runId: row.run_id, flowId: row.flow_id, flowName: row.flow_name, quorum: row.quorum },
    question: open(row.sealed_question as Buffer, questionOwner(tenantId, row.id)),
    record: hidesRecord ? undefined : recordOf(row),
    approverIds: row.approvers.map(({ user_id: userId }) => userId),
    state: ApprovalState[row.state],
    decisions: decided
      .toSorted((one, other) => Date.parse(one.decide_time ?? '') - Date.parse(other.decide_time ?? ''))
      .map(({ user_id: userId, is_approved: isApproved, sealed_comment: comment, decide_time: time }) => ({
        ...{ userId, approved: isApproved === true, time: new Date(time ?? 0).toISOString() },
        comment:
          comment === null ? undefined : open(Buffer.from(comment, 'hex'), commentOwner(tenantId, row.id, userId)),
      })),
    dueTime: new Date(row.due_time).toISOString(),
    createTime: new Date(row.create_time).toISOString(),
    endTime: row.end_time === null ? undefined : new Date(row.end_time).toISOString(),
  };
}
