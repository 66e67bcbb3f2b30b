import type { EntityManager } from '@mikro-orm/postgresql';
import type { StatementTransaction, TransactionStatement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { ListSendingTenantsResponse } from '@rapport/contracts/rapport/marketing/v1/campaign_outbox_service';

/** E-mails that a campaign without a throttle has. */
const unlimited = 1_000_000;

/** Time until domains that are skipped are looked at again. */
const idleSeconds = 5;

/** A campaign with something to send, whose row is locked. */
export interface SendingJob {
  campaignId: string;
  winnerKey: string | null;
  throttlePerMinute: number | null;
  /** E-mails that the throttle allows now: whole ones. */
  tokens: number;
}

/*
 * No minute has more than n e-mails: the throttle lets b of them go at once, and refills so that b - 1 more follow within a minute of n - b
 * + 1 others.
 */
const burst = 'greatest(1, throttle_per_minute / 60)';
const perSecond = `(throttle_per_minute - ${burst} + 1) / 60.0`;
const tokensNow = `case when throttle_per_minute is not null
    then least(${burst}, tokens + extract(epoch from rapport_clock() - token_time) * ${perSecond}) end`;

/** Locks the campaign of some mailboxes that is due for longest, of those that no other claim has: a lock is waited for briefly only. */
export async function takeSendingJob(
  transaction: StatementTransaction,
  mailboxIds: readonly string[],
): Promise<SendingJob | undefined> {
  if (mailboxIds.length === 0) return undefined;
  const [job] = await transaction.rows<SendingJob>({
    name: 'take_sending_campaign',
    sql: `select campaign_id as "campaignId", winner_key as "winnerKey", throttle_per_minute as "throttlePerMinute",
        coalesce(floor(${tokensNow}), ${unlimited})::int as tokens
      from campaign_job where tenant_id = $1 and mailbox_id = any ($2::uuid[]) and is_sending and next_time <= rapport_clock()
      order by next_time, campaign_id limit 1 for update skip locked`,
    values: [currentCaller().tenantId, mailboxIds],
  });
  return job;
}

/** Whether a campaign of some mailboxes is due: one that another transaction has is due again soon. */
export async function isSendingDue(transaction: StatementTransaction, mailboxIds: readonly string[]): Promise<boolean> {
  const due = await transaction.rows({
    name: 'is_campaign_due',
    sql: `select 1 from campaign_job where tenant_id = $1 and mailbox_id = any ($2::uuid[]) and is_sending
      and next_time <= rapport_clock() limit 1`,
    values: [currentCaller().tenantId, mailboxIds],
  });
  return due.length > 0;
}

/** Takes tokens, and says when to look at the campaign again. @param isIdle whether nothing was taken, although some is due */
export function updateSendingJob(
  { campaignId }: SendingJob,
  { claimed, isIdle }: { claimed: number; isIdle: boolean },
): TransactionStatement {
  const due = (isHeld: boolean) => `(select due_time from campaign_member where tenant_id = $1 and campaign_id = $2
      and is_held = ${isHeld} and is_queued and lease_end_time is null order by due_time limit 1)`;
  return {
    name: 'update_sending_campaign',
    // A claim with tokens left looks again at once, one without when there is the next one.
    sql: `update campaign_job set tokens = coalesce((${tokensNow}) - $3, 0), token_time = rapport_clock(), next_time = least(
        (select min(lease_end_time) from campaign_member where tenant_id = $1 and campaign_id = $2 and lease_end_time is not null),
        greatest(
          least(${due(false)}, case when winner_key is not null then ${due(true)} end),
          case when $4 then rapport_clock() + interval '${idleSeconds} seconds' end,
          case when throttle_per_minute is not null then
            rapport_clock() + greatest(0, 1 - ((${tokensNow}) - $3)) / (${perSecond}) * interval '1 second' end))
      where tenant_id = $1 and campaign_id = $2`,
    values: [currentCaller().tenantId, campaignId, claimed, isIdle],
  };
}

/** Looks at the campaigns of recipients at a time, or before. */
export function lookAgain(recipientIds: readonly string[]): TransactionStatement {
  return {
    name: 'look_again_at_campaigns',
    sql: `update campaign_job job set next_time = least(next_time, due.due_time) from (
        select campaign_id, min(due_time) as due_time from campaign_member
        where tenant_id = $1 and recipient_id = any ($2::uuid[]) and is_queued group by campaign_id) due
      where job.tenant_id = $1 and job.campaign_id = due.campaign_id and job.is_sending`,
    values: [currentCaller().tenantId, recipientIds],
  };
}

/** Tenants with campaigns that are due, behind one, in the order of their ids, and when the next other one is. */
export async function sendingTenants(
  em: EntityManager,
  after = '00000000-0000-0000-0000-000000000000',
): Promise<ListSendingTenantsResponse> {
  const rows = await em.fork().execute<{ id: string | null; next: string | null }[]>(
    `select due.tenant_id as id, null as next from (
       select distinct tenant_id from campaign_job where is_sending and next_time <= rapport_clock() and tenant_id > ?
       order by tenant_id limit 100) due
     union all
     select null, to_char(min(next_time) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') from campaign_job
     where is_sending and next_time > rapport_clock()`,
    [after],
  );
  const next = rows.find(({ id }) => id === null)?.next ?? undefined;
  return { tenantIds: rows.flatMap(({ id }) => id ?? []), nextTime: next };
}
