import type { StatementTransaction, TransactionStatement } from '@rapport/persistence';
import { timerStatement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';

/** Kinds of the timers of campaigns. */
export const startKind = 'campaign.start';
export const prepareKind = 'campaign.prepare';
export const watchKind = 'campaign.watch';
export const conversionsKind = 'campaign.conversions';

/** Ends the share of recipients with a variant at the order key of the next one. */
export interface Cut {
  variantKey: string | undefined;
  /** Order key of the first recipient of the next share, in hexadecimal. Absent at the end. */
  before?: string | undefined;
}

/** The work on a campaign. Its row is the turn of those who claim, pause and write. */
export interface CampaignJob {
  phase: 'COLLECTING' | 'READING' | 'WRITING' | 'SENDING';
  afterId: string | null;
  cuts: Cut[] | null;
}

/** Locks the work on a campaign. Undefined before its start. */
export async function lockJob(transaction: StatementTransaction, campaignId: string): Promise<CampaignJob | undefined> {
  const [job] = await transaction.rows<CampaignJob>({
    name: 'lock_campaign_job',
    sql: `select phase, after_id as "afterId", cuts from campaign_job where tenant_id = $1 and campaign_id = $2 for update`,
    values: [currentCaller().tenantId, campaignId],
  });
  return job;
}

/** Begins the work on a campaign. */
export function insertJob(
  campaignId: string,
  { mailboxId, throttlePerMinute }: { mailboxId: string; throttlePerMinute?: number | undefined },
): TransactionStatement {
  return {
    name: 'insert_campaign_job',
    sql: `insert into campaign_job (tenant_id, campaign_id, mailbox_id, phase, throttle_per_minute, tokens)
      values ($1, $2, $3, 'COLLECTING', $4, coalesce($4, 0)) on conflict do nothing`,
    values: [currentCaller().tenantId, campaignId, mailboxId, throttlePerMinute],
  };
}

/** Goes on to a phase, or to customers behind one. */
export function advanceJob(campaignId: string, { phase, afterId, cuts }: CampaignJob): TransactionStatement {
  return {
    name: 'advance_campaign_job',
    sql: `update campaign_job set phase = $3, after_id = $4, cuts = $5 where tenant_id = $1 and campaign_id = $2`,
    values: [currentCaller().tenantId, campaignId, phase, afterId, cuts && JSON.stringify(cuts)],
  };
}

/** Lets recipients be claimed, or not. A claim that is under way ends before: the caller has the lock of the row. */
export function setSending(campaignId: string, isSending: boolean): TransactionStatement {
  return {
    name: 'set_campaign_sending',
    sql: `update campaign_job set is_sending = $3, next_time = case when $3 then rapport_clock() end
      where tenant_id = $1 and campaign_id = $2`,
    values: [currentCaller().tenantId, campaignId, isSending],
  };
}

/** Looks at a campaign at a time: to start it, to go on with its recipients, or to see how far it is. */
export function campaignTimer(kind: string, campaignId: string, dueTime: Date): TransactionStatement {
  const target = { tenantId: currentCaller().tenantId, recordType: 'campaign', recordId: campaignId };
  return timerStatement({ ...target, kind, purpose: kind.slice(kind.indexOf('.') + 1), dueTime });
}
