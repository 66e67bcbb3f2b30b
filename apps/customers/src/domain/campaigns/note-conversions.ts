import { CampaignState } from '@rapport/contracts/rapport/marketing/v1/campaign';
import { MessageEventKind } from '@rapport/contracts/rapport/marketing/v1/message_event';
import { inOpenTransaction, type StatementTransaction, type TimerHandler } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { Sealing } from '../../engine/sealing/sealing.js';
import { recordMessageEvents } from '../tracking/message-events.js';
import { campaignTimer, conversionsKind } from './campaign-jobs.js';
import { findCampaign } from './change-campaign.js';

/** Time between two looks at a campaign, in milliseconds. */
const intervalMs = 15 * 60_000;

const dayMs = 86_400_000;

/** Conversions of one transaction. */
const most = 500;

/**
 * What counts as a conversion of the campaign `$2`, with its customer and time: a deal that was won, and a submission of a form that is of
 * no other campaign.
 */
export const conversionsSql = `(
  select customer_id, close_time as time from deal where tenant_id = $1 and status = 'WON' and delete_time is null
  union all
  select customer_id, create_time from form_submission where tenant_id = $1 and state <> 'REJECTED' and delete_time is null
    and (campaign_id is null or campaign_id = $2)) conversion`;

interface Conversion {
  id: string;
  customerId: string;
  time: Date;
}

/** Records the conversions of a campaign, each recipient once, until nothing can be one any more. */
export const noteConversions: TimerHandler = (em, { recordId }) =>
  Sealing.of(em).run(em, () => inOpenTransaction(em, (transaction) => note(transaction, recordId)));

async function note(transaction: StatementTransaction, campaignId: string): Promise<void> {
  const campaign = await findCampaign(transaction, campaignId);
  if (campaign?.conversionDays === undefined) return;
  const { conversionDays, startTime, doneTime, state } = campaign;
  const found = await transaction.rows<Conversion>({
    name: 'conversions_of_campaign',
    sql: `select distinct on (recipient.id) recipient.id, recipient.customer_id as "customerId", conversion.time
      from ${conversionsSql} join campaign_recipient recipient on recipient.tenant_id = $1
        and recipient.customer_id = conversion.customer_id and recipient.campaign_id = $2
        and recipient.hand_over_time <= conversion.time
        and recipient.hand_over_time > conversion.time - make_interval(days => $3)
      where conversion.time >= $4
        and not exists (select from message_event event where event.tenant_id = $1 and event.recipient_id = recipient.id
          and event.kind = 'CONVERTED')
      order by recipient.id, conversion.time limit ${most}`,
    values: [currentCaller().tenantId, campaignId, conversionDays, startTime],
  });
  recordMessageEvents(
    transaction,
    found.map(({ id, customerId, time }) => ({
      ...{ campaignId, recipientId: id, customerId, kind: MessageEventKind.CONVERTED },
      time: new Date(time).toISOString(),
    })),
  );
  const isEnded = state === CampaignState.DONE || state === CampaignState.CANCELLED;
  const isOver = isEnded && Date.parse(doneTime ?? '') + conversionDays * dayMs + intervalMs < Date.now();
  if (found.length < most && isOver) return;
  const pauseMs = found.length < most ? intervalMs : 0;
  transaction.later(campaignTimer(conversionsKind, campaignId, new Date(Date.now() + pauseMs)));
}
