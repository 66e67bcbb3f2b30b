import { CampaignAudience, type Campaign } from '@rapport/contracts/rapport/marketing/v1/campaign';
import { RecipientState, type CampaignRecipient } from '@rapport/contracts/rapport/marketing/v1/campaign_recipient';
import type {
  ClaimedRecipient,
  ClaimRecipientsRequest,
  ClaimRecipientsResponse,
} from '@rapport/contracts/rapport/marketing/v1/campaign_outbox_service';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { openStored, type StoredRecord } from '../../../engine/records/record-rows.js';
import { liveRecords } from '../../../engine/records/record-statements.js';
import { audienceSql } from '../../segments/audience.js';
import type { SuppressionKey } from '../../suppressions/suppression-key.js';
import { mayReceive, recordSends } from '../../topics/may-receive.js';
import { campaigns } from '../campaigns.js';
import { dueTimeOf } from '../local-time.js';
import { changeRecipients, mailDomain, readSurvivors } from '../stored-recipients.js';
import { renderRecipients, type Mailable } from './render-recipients.js';
import { endLeases, releaseMembers, storeClaims, takeMembers, type TakenMember } from './campaign-members.js';
import { isSendingDue, takeSendingJob, updateSendingJob } from './sending-jobs.js';

const defaultLimit = 50;
const defaultLeaseSeconds = 120;

/** What claims need of the process. */
export interface Claiming {
  /** Of the tenant. */
  key: SuppressionKey;
  publicUrl: string;
  /** Time zone of the workspace. */
  zone: string;
}

/** What becomes of a member that is due. */
type Fate =
  | { state: RecipientState.SKIPPED | RecipientState.SUPPRESSED | RecipientState.FAILED; reason: string }
  | { later: Date };

/**
 * Handles ClaimRecipients: recipients of the campaign that is due for longest. Its row is locked, so that claims of one campaign take
 * turns, and a pause that has been answered is seen by every claim after it. A claim is committed before its answer leaves.
 */
export async function claimRecipients(
  transaction: StatementTransaction,
  claiming: Claiming,
  request: ClaimRecipientsRequest,
): Promise<ClaimRecipientsResponse> {
  const { limit = defaultLimit, leaseSeconds = defaultLeaseSeconds, mailboxIds, skippedDomains } = request;
  const job = await takeSendingJob(transaction, mailboxIds);
  if (!job) return { recipients: [], hasMore: await isSendingDue(transaction, mailboxIds) };
  await endLeases(transaction, job.campaignId);
  const stored = await transaction.rows<StoredRecord<Campaign>>(liveRecords(campaigns, [job.campaignId]));
  const [campaign] = await openStored(campaigns, stored);
  const wanted = Math.min(limit, job.tokens);
  const taken =
    campaign && wanted > 0
      ? await takeMembers(transaction, { ...job, limit: wanted, skippedDomains, isDecided: job.winnerKey !== null })
      : [];
  const claimed =
    campaign && taken.length > 0
      ? await claimTaken(transaction, { ...claiming, campaign, ...request, leaseSeconds }, taken)
      : [];
  transaction.later(updateSendingJob(job, { claimed: claimed.length, isIdle: taken.length === 0 }));
  return { recipients: claimed, hasMore: taken.length > 0 && taken.length === wanted };
}

interface ClaimingCampaign extends Claiming {
  campaign: Campaign;
  leaseSeconds: number;
  beginsLater: boolean;
}

async function claimTaken(
  transaction: StatementTransaction,
  claiming: ClaimingCampaign,
  taken: readonly TakenMember[],
): Promise<ClaimedRecipient[]> {
  const { campaign, leaseSeconds, beginsLater } = claiming;
  const recipients = new Map<string, CampaignRecipient>();
  // Locks them. What becomes of them is written at the end.
  await changeRecipients(
    transaction,
    taken.map(({ recipientId }) => recipientId),
    (recipient) => void recipients.set(recipient.id, recipient),
  );
  const { fates, mailable } = await judge(transaction, claiming, taken, recipients);
  const customerOf = new Map(mailable.map(({ member, customer }) => [member.recipientId, customer.id]));
  const { claimed, invalid } = await renderRecipients(transaction, claiming, mailable);
  for (const id of invalid) fates.set(id, { state: RecipientState.FAILED, reason: 'TEMPLATE_INVALID' });
  const time = new Date();
  recordSends(transaction, {
    ...{ topicKey: campaign.topicKey, time },
    sends: claimed.map(({ recipientId }) => ({
      customerId: customerOf.get(recipientId)!,
      sendId: recipientId,
    })),
  });
  await storeFates(transaction, fates);
  const ids = claimed.map(({ recipientId }) => recipientId);
  await changeRecipients(transaction, ids, ({ id, customerId }) => ({
    state: RecipientState.CLAIMED,
    // A recipient that was written while its customer was merged follows here.
    ...(customerOf.get(id) !== customerId && { customerId: customerOf.get(id) }),
  }));
  const leases = await storeClaims(
    transaction,
    mailable.filter(({ member }) => ids.includes(member.recipientId)),
    { leaseSeconds, isBegun: !beginsLater },
  );
  return claimed.map((each) => ({ ...each, ...leases.get(each.recipientId)! }));
}

/** Who gets no e-mail, or gets it later, and who gets it now. */
async function judge(
  transaction: StatementTransaction,
  claiming: ClaimingCampaign,
  taken: readonly TakenMember[],
  recipients: ReadonlyMap<string, CampaignRecipient>,
): Promise<{ fates: Map<string, Fate>; mailable: Mailable[] }> {
  const { campaign, key, zone } = claiming;
  const fates = new Map<string, Fate>();
  const customers = await readSurvivors(
    transaction,
    taken.flatMap(({ recipientId }) => recipients.get(recipientId)?.customerId ?? []),
  );
  const members = await membersNow(transaction, campaign, [...customers.keys()]);
  const addressed = taken.flatMap((member): Mailable[] => {
    const { customerId = '', internetMessageId = '' } = recipients.get(member.recipientId) ?? {};
    const customer = customers.get(customerId);
    const fate = fateBefore(customer, { schedule: campaign.schedule, zone, members });
    if (fate) fates.set(member.recipientId, fate);
    if (!customer || fate) return [];
    const { address } = customer.emails[0]!;
    const hash = key.hash(currentCaller().tenantId, 'EMAIL', address).toString('hex');
    const variantKey = member.variantKey ?? campaign.winnerKey!;
    return [{ member, customer, address, hash, variantKey, internetMessageId }];
  });
  const ones = await withoutMerged(transaction, campaign.id, addressed, fates);
  const single = await withoutTwins(transaction, campaign.id, ones, fates);
  const reasons = await mayReceive(transaction, key, {
    topicKey: campaign.topicKey,
    recipients: single.map(({ customer, address }) => ({ customerId: customer.id, address })),
    time: new Date(),
  });
  const mailable = single.filter(({ member }, place) => {
    const reason = reasons.get(place);
    if (reason === undefined) return true;
    fates.set(member.recipientId, { state: RecipientState.SUPPRESSED, reason });
    return false;
  });
  return { fates, mailable };
}

/** What becomes of a member whose consent need not be asked for. */
function fateBefore(
  customer: Customer | undefined,
  { schedule, zone, members }: Pick<Campaign, 'schedule'> & { zone: string; members: ReadonlySet<string> | undefined },
): Fate | undefined {
  const skipped = (reason: string) => ({ state: RecipientState.SKIPPED as const, reason });
  if (!customer) return skipped('CUSTOMER_DELETED');
  if (customer.emails.length === 0) return skipped('NO_ADDRESS');
  if (members && !members.has(customer.id)) return skipped('LEFT_SEGMENT');
  // The time zone of the customer may have changed since.
  const due = dueTimeOf(schedule, customer, zone);
  return due && due > new Date() ? { later: due } : undefined;
}

/** Of these customers, those that are members of the segments now. Undefined if the audience is frozen. */
async function membersNow(
  transaction: StatementTransaction,
  { audience, includeSegmentIds, excludeSegmentIds }: Campaign,
  customerIds: readonly string[],
): Promise<Set<string> | undefined> {
  if (audience !== CampaignAudience.LIVE_UNTIL_SEND) return undefined;
  const rows = await transaction.rows<{ id: string }>({
    name: 'members_of_campaign_now',
    sql: `select id from (${audienceSql('$2::uuid[]', '$3::uuid[]')}) audience (id) where id = any ($4::uuid[])`,
    values: [currentCaller().tenantId, includeSegmentIds, excludeSegmentIds, customerIds],
  });
  return new Set(rows.map(({ id }) => id));
}

/** A customer may have got the e-mail before, as one that has been merged into it since, at another address. */
async function withoutMerged(
  transaction: StatementTransaction,
  campaignId: string,
  addressed: readonly Mailable[],
  fates: Map<string, Fate>,
): Promise<Mailable[]> {
  if (addressed.length === 0) return [];
  const wanted = addressed.map(({ member: { recipientId: id }, customer }) => ({ id, customerId: customer.id }));
  const rows = await transaction.rows<{ id: string }>(mergedStatement(campaignId, wanted));
  const merged = new Set(rows.map(({ id }) => id));
  for (const id of merged) fates.set(id, { state: RecipientState.SKIPPED, reason: 'DUPLICATE_CUSTOMER' });
  return addressed.filter(({ member }) => !merged.has(member.recipientId));
}

/**
 * Finds the recipients whose customer has got the e-mail as a merged one. Few customers have merged ones: that is asked first, and one by
 * one. The tables seem small until they have statistics, and then joins and EXISTS read all recipients of a campaign for each claim;
 * the limits prevent them, and IS TRUE leaves no index but that by customer.
 */
export function mergedStatement(campaignId: string, recipients: readonly { id: string; customerId: string }[]) {
  const wanted = recipients.map(({ id, customerId }) => ({ id, customer_id: customerId }));
  return {
    name: 'merged_campaign_recipients',
    sql: `select wanted.id from jsonb_to_recordset($3) as wanted (id uuid, customer_id uuid)
      where case when (select true from customer merged where merged.tenant_id = $1 and merged.merged_into_id = wanted.customer_id limit 1)
        then (select true from campaign_recipient other where other.tenant_id = $1 and other.customer_id = wanted.customer_id
          and (other.campaign_id = $2) is true and other.id <> wanted.id
          and other.state in ('CLAIMED', 'HANDED_OVER', 'UNKNOWN', 'BOUNCED', 'COMPLAINED') limit 1)
        end`,
    values: [currentCaller().tenantId, campaignId, JSON.stringify(wanted)],
  };
}

/** An address that was changed or merged since may be that of another recipient, who has it then. */
async function withoutTwins(
  transaction: StatementTransaction,
  campaignId: string,
  addressed: readonly Mailable[],
  fates: Map<string, Fate>,
): Promise<Mailable[]> {
  const changed = addressed.filter(({ member, hash }) => member.addressHash !== hash);
  if (changed.length === 0) return [...addressed];
  const wanted = changed.map(({ member, hash, address }) => ({
    ...{ recipient_id: member.recipientId, hash, domain: mailDomain(address) },
  }));
  const rows = await transaction.rows<{ id: string }>({
    name: 'readdress_campaign_members',
    sql: `with wanted as (
        select distinct on (hash) recipient_id, decode(hash, 'hex') as hash, domain
        from jsonb_to_recordset($3) as wanted (recipient_id uuid, hash text, domain text) order by hash, recipient_id)
      update campaign_member member set address_hash = wanted.hash, domain = wanted.domain from wanted
      where member.tenant_id = $1 and member.recipient_id = wanted.recipient_id and not exists (
        select from campaign_member twin where twin.tenant_id = $1 and twin.campaign_id = $2 and twin.fate = 'READY'
          and twin.address_hash = wanted.hash)
      returning member.recipient_id as id`,
    values: [currentCaller().tenantId, campaignId, JSON.stringify(wanted)],
  });
  const own = new Set(rows.map(({ id }) => id));
  const twins = new Set(changed.filter(({ member }) => !own.has(member.recipientId)));
  for (const { member } of twins) {
    fates.set(member.recipientId, { state: RecipientState.SKIPPED, reason: 'DUPLICATE_ADDRESS' });
  }
  return addressed.filter((each) => !twins.has(each));
}

async function storeFates(transaction: StatementTransaction, fates: ReadonlyMap<string, Fate>): Promise<void> {
  if (fates.size === 0) return;
  await changeRecipients(transaction, [...fates.keys()], ({ id }) => {
    const fate = fates.get(id)!;
    return 'later' in fate ? { plannedTime: fate.later.toISOString() } : fate;
  });
  transaction.later(
    releaseMembers(
      [...fates].map(([id, fate]) => ({
        recipient_id: id,
        due_time: 'later' in fate ? fate.later.toISOString() : undefined,
      })),
    ),
  );
}
