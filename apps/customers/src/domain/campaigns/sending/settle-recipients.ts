import { MailOutcome } from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import { RecipientState, type CampaignRecipient } from '@rapport/contracts/rapport/marketing/v1/campaign_recipient';
import type {
  BegunRecipient,
  SettledRecipient,
  SettleRecipientsRequest,
  SettleRecipientsResponse,
} from '@rapport/contracts/rapport/marketing/v1/campaign_outbox_service';
import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { changeRecipients } from '../stored-recipients.js';
import { leaseEnded, releaseMembers } from './campaign-members.js';
import { lookAgain } from './sending-jobs.js';

const defaultDeferSeconds = 60;

/** Handles SettleRecipients. The first outcome of a claim counts. */
export async function settleRecipients(
  transaction: StatementTransaction,
  { items, begun }: SettleRecipientsRequest,
): Promise<SettleRecipientsResponse> {
  const outcomes = new Map(items.map((item) => [item.recipientId, item]));
  const members = await lockMembers(transaction, [...outcomes.keys()]);
  const changed = await changeRecipients(transaction, [...members.keys()], (recipient) => {
    const [item, member] = [outcomes.get(recipient.id)!, members.get(recipient.id)!];
    return item.attempt === member.attempt ? outcomeOf(recipient, item, member) : undefined;
  });
  const released = changed.map(({ id, state }) => {
    const { deferSeconds = defaultDeferSeconds } = outcomes.get(id)!;
    const dueTime = new Date(Date.now() + deferSeconds * 1_000).toISOString();
    return { recipient_id: id, due_time: state === RecipientState.PLANNED ? dueTime : undefined };
  });
  const deferred = released.filter(({ due_time }) => due_time !== undefined);
  if (released.length > 0) transaction.later(releaseMembers(released));
  if (deferred.length > 0) transaction.later(lookAgain(deferred.map(({ recipient_id }) => recipient_id)));
  const settled = new Set(changed.map(({ id }) => id));
  const ignoredIds = [...outcomes.keys()].filter((id) => !settled.has(id));
  return { ignoredIds, refusedIds: await begin(transaction, begun) };
}

interface LockedMember {
  id: string;
  attempt: number;
  variantKey: string | null;
}

/** Locks members before their recipients, in the order of their ids, as the end of leases does. */
async function lockMembers(
  transaction: StatementTransaction,
  ids: readonly string[],
): Promise<Map<string, LockedMember>> {
  if (ids.length === 0) return new Map();
  const rows = await transaction.rows<LockedMember>({
    name: 'lock_campaign_members',
    sql: `select recipient_id as id, attempt, variant_key as "variantKey" from campaign_member
      where tenant_id = $1 and recipient_id = any ($2::uuid[]) order by recipient_id for update`,
    values: [currentCaller().tenantId, ids],
  });
  return new Map(rows.map((row) => [row.id, row]));
}

function outcomeOf(
  { state, reason }: CampaignRecipient,
  { outcome, response, time = new Date().toISOString() }: SettledRecipient,
  { attempt: attempts, variantKey }: LockedMember,
): Partial<CampaignRecipient> | undefined {
  const isLate = state === RecipientState.UNKNOWN && reason === leaseEnded;
  if (state !== RecipientState.CLAIMED && !isLate) return undefined;
  const common = { attempts, variantKey: variantKey ?? undefined, reason: undefined, relayReply: response };
  switch (outcome) {
    case MailOutcome.HANDED_OVER:
      return { ...common, state: RecipientState.HANDED_OVER, handOverTime: time };
    case MailOutcome.FAILED:
      return { ...common, state: RecipientState.FAILED };
    case MailOutcome.UNKNOWN:
      return { ...common, state: RecipientState.UNKNOWN };
    case MailOutcome.DEFERRED:
      // What was UNKNOWN is not planned again, even if it was certainly not sent. Attempts are not written to the log.
      return isLate ? { ...common, state: RecipientState.FAILED } : { state: RecipientState.PLANNED };
    default:
      return undefined;
  }
}

/** @returns the ids of recipients that must not be sent to */
async function begin(transaction: StatementTransaction, begun: readonly BegunRecipient[]): Promise<string[]> {
  if (begun.length === 0) return [];
  const rows = await transaction.rows<{ id: string }>({
    name: 'begin_campaign_members',
    sql: `with wanted as (
        select member.recipient_id from campaign_member member
        join jsonb_to_recordset($2) as begun (id uuid, attempt int) on member.recipient_id = begun.id
        where member.tenant_id = $1 and member.attempt = begun.attempt and not member.is_begun
          and member.lease_end_time > rapport_clock()
        order by member.recipient_id for update of member)
      update campaign_member member set is_begun = true from wanted
      where member.tenant_id = $1 and member.recipient_id = wanted.recipient_id
      returning member.recipient_id as id`,
    values: [currentCaller().tenantId, JSON.stringify(begun.map(({ recipientId: id, attempt }) => ({ id, attempt })))],
  });
  const started = new Set(rows.map(({ id }) => id));
  return begun.flatMap(({ recipientId }) => (started.has(recipientId) ? [] : recipientId));
}
