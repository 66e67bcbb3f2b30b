import { CampaignState, type Campaign } from '@rapport/contracts/rapport/marketing/v1/campaign';
import { RecipientState } from '@rapport/contracts/rapport/marketing/v1/campaign_recipient';
import type {
  PickCampaignWinnerRequest,
  ResendCampaignRequest,
  ResendCampaignResponse,
} from '@rapport/contracts/rapport/marketing/v1/campaign_actions_service';
import { inOpenTransaction, type StatementTransaction, type TimerHandler } from '@rapport/persistence';
import { AppError, currentCaller, invalidField } from '@rapport/platform';
import { Sealing } from '../../engine/sealing/sealing.js';
import { campaignTimer, lockJob, prepareKind, setSending, watchKind } from './campaign-jobs.js';
import { changeCampaign, findCampaign, lockCampaign } from './change-campaign.js';
import { unschedule } from './start-campaign.js';
import { changeRecipients } from './stored-recipients.js';

const { DRAFT, SCHEDULED, PREPARING, SENDING, PAUSED, DONE, CANCELLED } = CampaignState;

/** Kind of the timers that end the recipients of cancelled campaigns. */
export const cancelKind = 'campaign.cancel';

/** Recipients that one step cancels, and most that one call plans again. */
const batchSize = 500;
const maxResent = 5_000;

interface Named {
  id: string;
  etag?: string | undefined;
}

/** Handles PauseCampaign. The lock of the work waits for a claim that is under way. */
export async function pauseCampaign(transaction: StatementTransaction, request: Named): Promise<Campaign> {
  const campaign = await lockCampaign(transaction, request, [PREPARING, SENDING]);
  transaction.later(setSending(campaign.id, false));
  return changeCampaign(transaction, campaign, { state: PAUSED });
}

/** Handles ResumeCampaign. */
export async function resumeCampaign(transaction: StatementTransaction, request: Named): Promise<Campaign> {
  const campaign = await lockCampaign(transaction, request, [PAUSED]);
  const job = await lockJob(transaction, campaign.id);
  if (job?.phase !== 'SENDING') {
    transaction.later(campaignTimer(prepareKind, campaign.id, new Date()));
    return changeCampaign(transaction, campaign, { state: PREPARING });
  }
  return send(transaction, campaign);
}

/** Handles CancelCampaign. Nothing is claimed from now on; recipients that no worker has are cancelled in steps. */
export async function cancelCampaign(transaction: StatementTransaction, request: Named): Promise<Campaign> {
  const campaign = await lockCampaign(transaction, request, [SCHEDULED, PREPARING, SENDING, PAUSED]);
  if (campaign.state === SCHEDULED) {
    transaction.later(unschedule(campaign.id));
    return changeCampaign(transaction, campaign, { state: DRAFT });
  }
  transaction.later(setSending(campaign.id, false), campaignTimer(cancelKind, campaign.id, new Date()));
  return changeCampaign(transaction, campaign, { state: CANCELLED, doneTime: new Date().toISOString() });
}

/** Cancels a batch of the recipients of a cancelled campaign, and takes members without one out of the audience. */
export const cancelRecipients: TimerHandler = (em, { recordId }) =>
  Sealing.of(em).run(em, () =>
    inOpenTransaction(em, async (transaction) => {
      await lockJob(transaction, recordId);
      if ((await findCampaign(transaction, recordId))?.state !== CANCELLED) return;
      const ended = await transaction.rows<{ id: string; isWritten: boolean }>({
        name: 'cancel_campaign_members',
        sql: `with ended as (
            select recipient_id, is_written from campaign_member
            where tenant_id = $1 and campaign_id = $2 and (not is_written or (is_queued and lease_end_time is null))
            order by order_key, recipient_id limit ${batchSize} for update),
          removed as (
            delete from campaign_member member using ended
            where member.tenant_id = $1 and member.recipient_id = ended.recipient_id and not ended.is_written),
          cancelled as (
            update campaign_member member set is_queued = false from ended
            where member.tenant_id = $1 and member.recipient_id = ended.recipient_id and ended.is_written)
          select recipient_id as id, is_written as "isWritten" from ended`,
        values: [currentCaller().tenantId, recordId],
      });
      const written = ended.filter(({ isWritten }) => isWritten).map(({ id }) => id);
      await changeRecipients(transaction, written, ({ state }) =>
        state === RecipientState.PLANNED ? { state: RecipientState.CANCELLED } : undefined,
      );
      const next = ended.length === batchSize ? cancelKind : watchKind;
      transaction.later(campaignTimer(next, recordId, new Date()));
    }),
  );

/** Handles PickCampaignWinner. */
export async function pickWinner(
  transaction: StatementTransaction,
  { winner, ...request }: PickCampaignWinnerRequest,
): Promise<Campaign> {
  const campaign = await lockCampaign(transaction, request, [SENDING, PAUSED]);
  const key = winner?.variantKey;
  if (campaign.winnerKey !== undefined || !campaign.test) {
    throw invalidField('winner.variantKey', 'NOT_ALLOWED', 'has no test to end');
  }
  if (key === undefined || !campaign.variants.some((each) => each.key === key)) {
    throw invalidField('winner.variantKey', 'VARIANT_UNKNOWN', 'must be the key of a variant');
  }
  return storeWinner(transaction, campaign, key);
}

/** Lets the recipients outside of the test be claimed, with the variant that has won. */
export function storeWinner(transaction: StatementTransaction, campaign: Campaign, winnerKey: string): Campaign {
  transaction.later(
    {
      name: 'store_campaign_winner',
      sql: `update campaign_job set winner_key = $3, next_time = case when is_sending then rapport_clock() end
        where tenant_id = $1 and campaign_id = $2`,
      values: [currentCaller().tenantId, campaign.id, winnerKey],
    },
    campaignTimer(watchKind, campaign.id, new Date()),
  );
  return changeCampaign(transaction, campaign, { winnerKey });
}

/** Handles ResendCampaign. */
export async function resendCampaign(
  transaction: StatementTransaction,
  { resend, ...request }: ResendCampaignRequest,
): Promise<ResendCampaignResponse> {
  const states = resend?.states ?? [];
  if (states.some((state) => state !== 'FAILED' && state !== 'UNKNOWN')) {
    throw invalidField('resend.states', 'NOT_ALLOWED', 'must be FAILED or UNKNOWN');
  }
  const campaign = await lockCampaign(transaction, request, [SENDING, PAUSED, DONE]);
  if (!(await lockJob(transaction, campaign.id))) {
    const message = 'The campaign was sent by the workspace that this one was imported from.';
    throw new AppError('FAILED_PRECONDITION', 'CAMPAIGN_STATE', message, {
      metadata: { state: CampaignState[campaign.state] },
    });
  }
  const rows = await transaction.rows<{ id: string }>({
    name: 'recipients_to_resend',
    sql: `select id from campaign_recipient where tenant_id = $1 and campaign_id = $2 and state = any ($3)
      and customer_id is not null order by id limit ${maxResent}`,
    values: [currentCaller().tenantId, campaign.id, states],
  });
  const ids = rows.map(({ id }) => id);
  transaction.later({
    name: 'queue_campaign_members',
    sql: `update campaign_member set is_queued = true, due_time = rapport_clock(), lease_end_time = null, is_begun = false
      where tenant_id = $1 and recipient_id = any ($2::uuid[])`,
    values: [currentCaller().tenantId, ids],
  });
  const planned = await changeRecipients(transaction, ids, ({ state }) =>
    states.includes(RecipientState[state])
      ? { state: RecipientState.PLANNED, reason: undefined, relayReply: undefined }
      : undefined,
  );
  const isWaiting = campaign.state === PAUSED || planned.length === 0;
  return { campaign: isWaiting ? campaign : send(transaction, campaign), recipients: planned.length };
}

function send(transaction: StatementTransaction, campaign: Campaign): Campaign {
  transaction.later(setSending(campaign.id, true), campaignTimer(watchKind, campaign.id, new Date()));
  return changeCampaign(transaction, campaign, { state: SENDING, doneTime: undefined });
}
