import {
  CampaignDecision,
  CampaignMetric,
  CampaignState,
  type Campaign,
  type CampaignCounts,
} from '@rapport/contracts/rapport/marketing/v1/campaign';
import { inOpenTransaction, type StatementTransaction, type TimerHandler } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { Sealing } from '../../engine/sealing/sealing.js';
import { sameValue } from '../../engine/values/same-value.js';
import { endLeases } from './sending/campaign-members.js';
import { campaignTimer, lockJob, setSending, watchKind } from './campaign-jobs.js';
import { changeCampaign, findCampaign } from './change-campaign.js';
import { conversionsSql } from './note-conversions.js';
import { storeWinner } from './steer-campaign.js';

/** Time between two looks at a campaign that is sent: short for small ones, whose counts are quick. */
const [shortMs, longMs] = [1_000, 10_000];
const fewRecipients = 5_000;

/** Counts the recipients of a campaign, ends leases of dead workers, decides its test, and ends it with its last recipient. */
export const watchCampaign: TimerHandler = (em, { recordId }) =>
  Sealing.of(em).run(em, () => inOpenTransaction(em, (transaction) => watch(transaction, recordId)));

async function watch(transaction: StatementTransaction, campaignId: string): Promise<void> {
  await lockJob(transaction, campaignId);
  await endLeases(transaction, campaignId);
  const before = await findCampaign(transaction, campaignId);
  if (!before || before.state === CampaignState.PREPARING) return;
  const counts = await countRecipients(transaction, campaignId);
  const isChanged = !sameValue(counts, before.counts);
  const campaign = isChanged ? changeCampaign(transaction, before, { counts }) : before;
  const open = counts.planned + counts.claimed;
  if (campaign.state === CampaignState.SENDING && open === 0) {
    transaction.later(setSending(campaignId, false));
    changeCampaign(transaction, campaign, { state: CampaignState.DONE, doneTime: new Date().toISOString() });
    return;
  }
  if (open === 0 || (campaign.state !== CampaignState.SENDING && counts.claimed === 0)) return;
  await decide(transaction, campaign);
  const total = (Object.values(counts) as number[]).reduce((sum, count) => sum + count, 0);
  const dueTime = new Date(Date.now() + (total <= fewRecipients ? shortMs : longMs));
  transaction.later(campaignTimer(watchKind, campaignId, dueTime));
}

/** The recipients of a campaign by state, as of the transaction. */
async function countRecipients(transaction: StatementTransaction, campaignId: string): Promise<CampaignCounts> {
  const rows = await transaction.rows<{ state: string; count: number }>({
    name: 'count_campaign_recipients',
    sql: `select state, count(*)::int as count from campaign_recipient where tenant_id = $1 and campaign_id = $2 group by state`,
    values: [currentCaller().tenantId, campaignId],
  });
  const of = (state: string) => rows.find((row) => row.state === state)?.count ?? 0;
  return {
    ...{ planned: of('PLANNED'), suppressed: of('SUPPRESSED'), skipped: of('SKIPPED'), claimed: of('CLAIMED') },
    ...{ handedOver: of('HANDED_OVER'), failed: of('FAILED'), unknown: of('UNKNOWN'), bounced: of('BOUNCED') },
    ...{ complained: of('COMPLAINED'), cancelled: of('CANCELLED') },
  };
}

/** Decides a test whose time has passed, by the metric of the campaign. */
async function decide(transaction: StatementTransaction, campaign: Campaign): Promise<void> {
  const { id, test, winnerKey, state } = campaign;
  if (!test || winnerKey !== undefined || test.decide !== CampaignDecision.AUTO) return;
  if (state !== CampaignState.SENDING) return;
  const { tenantId } = currentCaller();
  const [over] = await transaction.rows({
    name: 'is_campaign_test_over',
    // Held recipients have no variant.
    sql: `select 1 where not exists (select from campaign_member
        where tenant_id = $1 and campaign_id = $2 and not is_held and (is_queued or lease_end_time is not null))
      and coalesce((select max(hand_over_time) from campaign_recipient where tenant_id = $1 and campaign_id = $2),
        '-infinity') + $3 * interval '1 second' <= rapport_clock()`,
    values: [tenantId, id, test.waitSeconds ?? 0],
  });
  if (!over) return;
  const results = await transaction.rows<{ variantKey: string; sent: number; gained: number }>({
    name: 'results_of_campaign_test',
    sql: `select variant_key as "variantKey", count(*)::int as sent, count(*) filter (where case $3 when 'CLICK' then is_human_click
          when 'REPLY' then exists (select from message_event event where event.tenant_id = $1 and event.recipient_id = recipient.id
            and event.kind = 'REPLIED')
          else exists (select from ${conversionsSql} where conversion.customer_id = recipient.customer_id
            and conversion.time > recipient.hand_over_time)
          end)::int as gained
      from campaign_recipient recipient
      where tenant_id = $1 and campaign_id = $2 and variant_key is not null and hand_over_time is not null
      group by variant_key`,
    values: [tenantId, id, CampaignMetric[test.metric]],
  });
  storeWinner(transaction, campaign, winnerOf(campaign, results));
}

/** The variant with the most of each e-mail handed over. Among equals, the first one. */
export function winnerOf(
  { variants }: Pick<Campaign, 'variants'>,
  results: readonly { variantKey: string; sent: number; gained: number }[],
): string {
  let [winner, best] = [variants[0]!.key, { sent: 1, gained: 0 }];
  for (const { key } of variants) {
    const result = results.find(({ variantKey }) => variantKey === key);
    // Fractions are compared as whole numbers.
    if (!result || result.gained * best.sent <= best.gained * result.sent) continue;
    [winner, best] = [key, result];
  }
  return winner;
}
