import { RecipientState, type CampaignRecipient } from '@rapport/contracts/rapport/marketing/v1/campaign_recipient';
import type { TransactionStatement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { importedReason } from '../messages/messages.js';
import { campaignTimer, watchKind } from './campaign-jobs.js';

/**
 * A recipient as a new workspace stores it. What was planned is not sent, since the old workspace may still send it; what a worker of
 * the old one had may have been sent.
 */
export function settled(recipient: CampaignRecipient): CampaignRecipient {
  switch (recipient.state) {
    case RecipientState.PLANNED:
      return { ...recipient, state: RecipientState.CANCELLED, reason: importedReason };
    case RecipientState.CLAIMED:
      return { ...recipient, state: RecipientState.UNKNOWN, reason: importedReason };
    default:
      return recipient;
  }
}

/** Makes imported recipients the audience of their campaigns, without work on them, and has them counted. */
export function audienceStatements(recipients: readonly CampaignRecipient[]): TransactionStatement[] {
  const rows = recipients.map(({ id, campaignId, customerId, state, attempts }) => ({
    ...{ id, campaign_id: campaignId, customer_id: customerId, attempt: attempts },
    is_skipped: state === RecipientState.SKIPPED,
  }));
  return [
    {
      name: 'restore_campaign_members',
      // The address of who was skipped is not known any more: only that another recipient, or none, has one.
      sql: `insert into campaign_member (tenant_id, campaign_id, recipient_id, customer_id, order_key, fate, is_written, attempt)
        select $1, campaign_id, id, customer_id, substring(sha256(uuid_send(campaign_id) || uuid_send(coalesce(customer_id, id))) for 16),
          case when is_skipped then 'NO_ADDRESS' else 'READY' end, true, attempt
        from jsonb_to_recordset($2) as restored (id uuid, campaign_id uuid, customer_id uuid, attempt int, is_skipped boolean)`,
      values: [currentCaller().tenantId, JSON.stringify(rows)],
    },
    ...[...new Set(recipients.map(({ campaignId }) => campaignId))].map((id) =>
      campaignTimer(watchKind, id, new Date()),
    ),
  ];
}
