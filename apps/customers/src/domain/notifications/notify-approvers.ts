import type { EntityManager } from '@mikro-orm/postgresql';
import type { NotifyApproversRequest } from '@rapport/contracts/rapport/work/v1/notifications_service';
import { transactionPipeline } from '@rapport/persistence';
import type { Notice } from '../../engine/fields/record-definition.js';
import { statementsFor } from '../../engine/records/notices.js';

/**
 * Handles NotifyApprovers. Notifications that exist stay, so a repetition changes nothing. @param em of the tenant
 */
export async function notifyApprovers(
  em: EntityManager,
  { tenantId, approvalId, approverIds, actor }: NotifyApproversRequest,
): Promise<void> {
  const notices = approverIds.map((id): Notice => {
    const approval = { cause: `approval/${approvalId}`, recordType: 'approval', recordId: approvalId };
    return { kind: 'APPROVAL_REQUESTED', userId: id.toLowerCase(), ...approval };
  });
  const end = {
    name: 'end_approval_notifications',
    sql: `update notification set read_time = clock_timestamp()
      where tenant_id = $1 and kind = 'APPROVAL_REQUESTED' and record_id = $2 and read_time is null
        and user_id <> all ($3::uuid[])`,
    values: [tenantId, approvalId, approverIds],
  };
  await em.transactional((transaction) =>
    transactionPipeline(transaction, [end, ...statementsFor(tenantId, actor, notices)]),
  );
}
