import type {
  AccountCampaignResponse,
  EstimateCampaignResponse,
} from '@rapport/contracts/rapport/marketing/v1/campaign_actions_service';
import type { Campaign } from '@rapport/contracts/rapport/marketing/v1/campaign';
import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { audienceSql } from '../segments/audience.js';
import type { SuppressionKey } from '../suppressions/suppression-key.js';
import { mayReceive } from '../topics/may-receive.js';
import { readCustomers } from './stored-recipients.js';

/** Most ids that the account names of each kind. */
const maxNamed = 100;

/** Members that an estimate looks at. */
const sampleSize = 500;

/**
 * Compares the audience of a campaign with its recipients and the work on them, in one statement, and so as of one moment. An erased
 * recipient is still one.
 */
export async function accountCampaign(
  transaction: StatementTransaction,
  { id }: Pick<Campaign, 'id'>,
): Promise<AccountCampaignResponse> {
  const [row] = await transaction.rows<AccountRow>({
    name: 'account_of_campaign',
    sql: `with pairs as (
        select member.recipient_id as member_id, member.customer_id, recipient.id as recipient_id, recipient.state,
          case recipient.state
            when 'PLANNED' then member.is_queued and member.lease_end_time is null
            when 'CLAIMED' then member.lease_end_time is not null
            else not member.is_queued and member.lease_end_time is null
          end as agrees
        from (select * from campaign_member where tenant_id = $1 and campaign_id = $2) member
        full join (select id, state from campaign_recipient where tenant_id = $1 and campaign_id = $2) recipient
          on recipient.id = member.recipient_id),
      states as (select state, count(*)::int as count from pairs where state is not null group by state)
      select count(member_id)::int as audience,
        count(*) filter (where recipient_id is null)::int as missing,
        count(*) filter (where member_id is null)::int as extra,
        count(*) filter (where member_id is not null and agrees is false)::int as inconsistent,
        (array_agg(customer_id::text) filter (where recipient_id is null and customer_id is not null))[1:${maxNamed}] as missing_ids,
        (array_agg(recipient_id::text) filter (where member_id is null))[1:${maxNamed}] as extra_ids,
        (array_agg(recipient_id::text) filter (where member_id is not null and agrees is false))[1:${maxNamed}] as inconsistent_ids,
        (select jsonb_object_agg(state, count) from states) as states,
        to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as time
      from pairs`,
    values: [currentCaller().tenantId, id],
  });
  const { audience, missing, extra, inconsistent, states, time } = row!;
  const of = (state: string) => states?.[state] ?? 0;
  return {
    ...{ audience, missing, extra, inconsistent, time },
    balanced: missing === 0 && extra === 0,
    counts: {
      ...{ planned: of('PLANNED'), suppressed: of('SUPPRESSED'), skipped: of('SKIPPED'), claimed: of('CLAIMED') },
      ...{ handedOver: of('HANDED_OVER'), failed: of('FAILED'), unknown: of('UNKNOWN'), bounced: of('BOUNCED') },
      ...{ complained: of('COMPLAINED'), cancelled: of('CANCELLED') },
    },
    missingCustomerIds: row!.missing_ids ?? [],
    extraRecipientIds: row!.extra_ids ?? [],
    inconsistentRecipientIds: row!.inconsistent_ids ?? [],
  };
}

interface AccountRow {
  audience: number;
  missing: number;
  extra: number;
  inconsistent: number;
  missing_ids: string[] | null;
  extra_ids: string[] | null;
  inconsistent_ids: string[] | null;
  states: Record<string, number> | null;
  time: string;
}

/** Counts the audience as of now, and asks for a sample of it which customers can receive the e-mail. */
export async function estimateCampaign(
  transaction: StatementTransaction,
  key: SuppressionKey,
  { topicKey, includeSegmentIds, excludeSegmentIds, throttlePerMinute }: Campaign,
): Promise<EstimateCampaignResponse> {
  const [found] = await transaction.rows<{ audience: number; sample: string[] | null }>({
    name: 'estimate_campaign',
    // Ids of one time have random ends.
    sql: `with audience (id) as materialized (${audienceSql('$2::uuid[]', '$3::uuid[]')})
      select (select count(*)::int from audience) as audience,
        array(select id::text from audience order by right(id::text, 12) limit ${sampleSize}) as sample`,
    values: [currentCaller().tenantId, includeSegmentIds, excludeSegmentIds],
  });
  const { audience = 0, sample } = found ?? {};
  const customers = [...(await readCustomers(transaction, sample ?? [])).values()];
  const receivers = customers.flatMap(({ id: customerId, emails: [first] }) =>
    first ? [{ customerId, address: first.address }] : [],
  );
  const reasons = await mayReceive(transaction, key, { topicKey, recipients: receivers, time: new Date() });
  const counts = new Map<string, number>();
  for (const reason of reasons.values()) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  if (customers.length > receivers.length) counts.set('NO_ADDRESS', customers.length - receivers.length);
  const minutes = throttlePerMinute === undefined ? undefined : audience / throttlePerMinute;
  return {
    ...{ audience, sample: customers.length, sampleMailable: receivers.length - reasons.size },
    sampleReasons: [...counts].map(([reason, count]) => ({ reason, count })),
    durationSeconds: minutes === undefined ? undefined : Math.ceil(minutes * 60),
  };
}
