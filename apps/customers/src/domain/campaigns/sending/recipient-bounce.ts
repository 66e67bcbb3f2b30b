import { BounceAction, type RecordBounceRequest } from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import { MessageEventKind } from '@rapport/contracts/rapport/marketing/v1/message_event';
import { RecipientState, type CampaignRecipient } from '@rapport/contracts/rapport/marketing/v1/campaign_recipient';
import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller, cutText } from '@rapport/platform';
import type { BounceListener } from '../../messages/record-bounce.js';
import { readMailSecret } from '../../messages/mail-addresses.js';
import { bounceClassOf } from '../../suppressions/bounce-rules.js';
import { afterBounce } from '../../topics/after-bounce.js';
import { recordMessageEvents } from '../../tracking/message-events.js';
import { campaignTimer, watchKind } from '../campaign-jobs.js';
import { changeRecipients } from '../stored-recipients.js';
import { releaseMembers } from './campaign-members.js';
import { recipientOfToken } from './recipient-tokens.js';

const { CLAIMED, HANDED_OVER, UNKNOWN, BOUNCED, COMPLAINED } = RecipientState;

/** States of a recipient that a report can be about: it can come before the outcome. */
const sent: readonly RecipientState[] = [CLAIMED, HANDED_OVER, UNKNOWN, BOUNCED];

/** Records the report about a recipient that the token of its envelope names. */
export const recordRecipientBounce: BounceListener = async (transaction, key, request) => {
  const recipientId = recipientOfToken(await readMailSecret(transaction), request.token);
  if (recipientId === undefined || request.action === BounceAction.DELAYED) return;
  const isComplaint = request.action === BounceAction.COMPLAINT;
  await lockMember(transaction, recipientId);
  const relayReply = cutText([request.status, request.diagnostic].filter(Boolean).join(' '), 1_000) || undefined;
  const [recipient] = await changeRecipients(transaction, [recipientId], ({ state }) =>
    sent.includes(state) && (isComplaint || state !== BOUNCED)
      ? { state: isComplaint ? COMPLAINED : BOUNCED, reason: undefined, relayReply }
      : undefined,
  );
  if (!recipient) return;
  transaction.later(
    releaseMembers([{ recipient_id: recipientId }]),
    campaignTimer(watchKind, recipient.campaignId, new Date(Date.now() + 1_000)),
  );
  recordMessageEvents(transaction, [eventOf(recipient, request, isComplaint)]);
  await suppress(transaction, key, recipient, request);
};

function eventOf(
  { campaignId, id: recipientId, customerId }: CampaignRecipient,
  { status: statusCode }: RecordBounceRequest,
  isComplaint: boolean,
) {
  const kind = isComplaint ? MessageEventKind.COMPLAINED : MessageEventKind.BOUNCED;
  return { campaignId, recipientId, customerId, kind, statusCode };
}

/** What was sent to counts, whatever address the customer has now. That of an erased customer is stored in no form. */
async function suppress(
  transaction: StatementTransaction,
  key: Parameters<BounceListener>[1],
  { id: recipientId, campaignId, customerId }: CampaignRecipient,
  { action, status = '', diagnostic }: RecordBounceRequest,
): Promise<void> {
  const [sentTo] = await transaction.rows<{ hash: Buffer | null; topicKey: string }>({
    name: 'address_of_recipient',
    sql: `select address_hash as hash, topic_key as "topicKey" from campaign_member member
      join campaign on campaign.tenant_id = $1 and campaign.id = member.campaign_id
      where member.tenant_id = $1 and member.recipient_id = $2 and member.campaign_id = $3`,
    values: [currentCaller().tenantId, recipientId, campaignId],
  });
  if (!sentTo?.hash) return;
  const { hash, topicKey } = sentTo;
  const bounceClass = action === BounceAction.COMPLAINT ? 'COMPLAINT' : bounceClassOf(status, diagnostic);
  await afterBounce(transaction, key, { recipientId, customerId, hash, topicKey, bounceClass });
}

/** Members are locked before their recipients. */
async function lockMember(transaction: StatementTransaction, recipientId: string): Promise<void> {
  await transaction.rows({
    name: 'lock_campaign_member',
    sql: 'select from campaign_member where tenant_id = $1 and recipient_id = $2 for update',
    values: [currentCaller().tenantId, recipientId],
  });
}
