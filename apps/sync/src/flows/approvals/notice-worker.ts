import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type { MikroORM } from '@mikro-orm/postgresql';
import type { ContractClient } from '@rapport/contracts';
import { NotificationsServiceService } from '@rapport/contracts/rapport/work/v1/notifications_service';
import { readForTenant, tenantSession, withConnection } from '@rapport/persistence';
import { errorKind, LoopWorker, WorkerLoop } from '@rapport/platform';
import { idleMs } from '../../storage/due-work.js';
import { claimNotices, settleNotice, type Notice } from './notices.js';

/** Interval between polls after a failure, in milliseconds. */
const retryMs = 250;

/** Notices per pass. */
const most = 20;

const callMs = 5_000;

/** How long a claim lasts, in milliseconds: after a failure, the notice is due again then. */
const leaseMs = 2 * callMs;

interface Waiting {
  user_ids: string[];
  actor: string;
}

/**
 * Reports to customers for whose decision approvals wait, which notifies them. A report has the whole state of an approval, so
 * that a repetition changes nothing, and claims keep an older state from following a newer one.
 */
export class NoticeWorker extends LoopWorker {
  readonly #logger = new Logger('NoticeWorker');
  protected readonly loop = new WorkerLoop({
    pass: () => this.#pass(),
    intervalMs: idleMs,
    retryMs,
    onOutage: (error) => this.#logger.warn("Can't look for notices of approvals.", error),
  });

  constructor(
    private readonly orm: MikroORM,
    private readonly customers: Pick<ContractClient, 'unary'>,
  ) {
    super();
  }

  /** @returns 0 when there may be more to do */
  async #pass(): Promise<number | undefined> {
    const notices = await withConnection(this.orm.em.fork(), (client) => claimNotices(client, most, leaseMs));
    await Promise.all(notices.map((notice) => this.#report(notice)));
    return notices.length > 0 ? 0 : undefined;
  }

  async #report(notice: Notice): Promise<void> {
    const { approvalId, tenantId } = notice;
    try {
      const [waiting] = await readForTenant<Waiting>(this.orm.em.fork({ session: tenantSession(tenantId) }), {
        name: 'waiting_approvers',
        sql: `select principal_id as actor, array(select user_id::text from flow_approver approver
            where approver.tenant_id = $1 and approver.approval_id = approval.id and is_approved is null
              and approval.state = 'PENDING' order by place, user_id) as user_ids
          from flow_approval approval join flow_run run on run.tenant_id = approval.tenant_id and run.id = run_id
          where approval.tenant_id = $1 and approval.id = $2`,
        values: [tenantId, approvalId],
      });
      // An approval that was erased waits for nobody.
      const { user_ids: approverIds, actor } = waiting ?? { user_ids: [], actor: 'service:sync' };
      const options = { context: { requestId: randomUUID() }, deadlineMs: callMs };
      const { path } = NotificationsServiceService.notifyApprovers;
      await this.customers.unary(path, { tenantId, approvalId, approverIds, actor }, options);
      await withConnection(this.orm.em.fork(), (client) => settleNotice(client, notice));
    } catch (error) {
      this.#logger.warn(`The notifications of the approval ${approvalId} are delayed: ${errorKind(error)}.`);
    }
  }
}
