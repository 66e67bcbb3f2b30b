import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import {
  ApprovalsServiceService as Methods,
  ApprovalState,
  type Approval,
  type ApprovalsServiceServer,
  type ApproveApprovalRequest,
  type DelegateApprovalRequest,
  type GetApprovalRequest,
  type ListApprovalsRequest,
  type ListApprovalsResponse,
  type RejectApprovalRequest,
} from '@rapport/contracts/rapport/flows/v1/approvals_service';
import { PageTokenKey, readForTenant, readPageToken, signPageToken } from '@rapport/persistence';
import { currentCaller, invalidArgument } from '@rapport/platform';
import { SecretEnvelope } from '../../storage/secret-envelope.js';
import { writeCall } from '../../storage/write-call.js';
import { RecordAccess } from '../serve-runs/record-access.js';
import { approvalColumns, approvalMessage, type ApprovalRow } from './approval-row.js';
import { approvalNotFound, callingUser, decideApproval, delegateApproval, selectApproval } from './decide-approval.js';
import { TenantMembers } from './tenant-members.js';

const defaultPageSize = 20;

@Controller()
@ImplementsService(Methods)
export class ApprovalsController implements ServiceHandlers<ApprovalsServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly envelope: SecretEnvelope,
    private readonly key: PageTokenKey,
    private readonly members: TenantMembers,
    private readonly access: RecordAccess,
  ) {}

  async listApprovals({
    pageSize = defaultPageSize,
    pageToken,
    states,
    mine,
  }: ListApprovalsRequest): Promise<ListApprovalsResponse> {
    const { tenantId, permissions } = currentCaller();
    const names = states.map((state) => ApprovalState[state]);
    const approver = mine || !permissions.includes('flows.read') ? (callingUser() ?? '') : null;
    // A caller that is no user is no approver either.
    if (approver === '') return { approvals: [], nextPageToken: undefined };
    const binding = `ListApprovals ${tenantId} ${names.toSorted().join()} ${approver ?? ''}`;
    const [after = null] = pageToken === undefined ? [] : readPageToken(this.key, binding, pageToken);
    // UUIDv7 ids sort by creation time.
    const rows = await readForTenant<ApprovalRow>(this.em, {
      sql: `select ${approvalColumns} from flow_approval approval
        where tenant_id = $1 and ($2::text[] is null or state = any ($2)) and ($3::uuid is null or id < $3)
          and ($4::uuid is null or exists (select from flow_approver approver
            where approver.tenant_id = $1 and approver.user_id = $4 and approver.approval_id = approval.id))
        order by id desc limit $5`,
      values: [tenantId, names.length > 0 ? names : null, after, approver, pageSize + 1],
    });
    const page = rows.slice(0, pageSize);
    const last = rows.length > pageSize ? page.at(-1) : undefined;
    return {
      approvals: await this.#messages(page),
      nextPageToken: last && signPageToken(this.key, binding, [last.id]),
    };
  }

  async getApproval({ id }: GetApprovalRequest): Promise<Approval> {
    const { tenantId, permissions } = currentCaller();
    const [row] = await readForTenant<ApprovalRow>(this.em, selectApproval(tenantId, id));
    if (!row || !(permissions.includes('flows.read') || isOfCaller(row))) throw approvalNotFound();
    const [message] = await this.#messages([row]);
    return message!;
  }

  approveApproval(request: ApproveApprovalRequest): Promise<Approval> {
    const { id: approvalId, reply } = request;
    return writeCall(this.em, this.envelope, Methods.approveApproval, request, (em) =>
      decideApproval(em, this.envelope, { approvalId, approved: true, comment: reply?.comment }),
    );
  }

  rejectApproval(request: RejectApprovalRequest): Promise<Approval> {
    const { id: approvalId, reply } = request;
    return writeCall(this.em, this.envelope, Methods.rejectApproval, request, (em) =>
      decideApproval(em, this.envelope, { approvalId, approved: false, comment: reply?.comment }),
    );
  }

  async delegateApproval(request: DelegateApprovalRequest): Promise<Approval> {
    const { tenantId } = currentCaller();
    const { id: approvalId, delegation } = request;
    const userId = delegation?.userId.toLowerCase() ?? '';
    const [known] = await readForTenant<ApprovalRow>(this.em, selectApproval(tenantId, approvalId));
    if (!known) throw approvalNotFound();
    if (!(await this.members.has(tenantId, userId))) {
      const description = 'must be a user of the workspace';
      throw invalidArgument([{ field: 'delegation.userId', reason: 'USER_NOT_FOUND', description }]);
    }
    return writeCall(this.em, this.envelope, Methods.delegateApproval, request, (em) =>
      delegateApproval(em, this.envelope, { approvalId, userId }),
    );
  }

  /** A question can quote its record, so only its approvers and callers that can read the record see both. */
  async #messages(rows: readonly ApprovalRow[]): Promise<Approval[]> {
    const { tenantId } = currentCaller();
    const shows = await this.access.among(rows.filter((row) => !isOfCaller(row)));
    return rows.map((row) => approvalMessage(this.envelope, tenantId, row, !isOfCaller(row) && !shows(row)));
  }
}

/** Whether the calling user is an approver. */
function isOfCaller({ approvers }: ApprovalRow): boolean {
  const userId = callingUser();
  return approvers.some((approver) => approver.user_id === userId);
}
