import { CampaignState, type Campaign } from '@rapport/contracts/rapport/marketing/v1/campaign';
import { checkEtag, etagVersion, type StatementTransaction } from '@rapport/persistence';
import { AppError } from '@rapport/platform';
import { CustomFields } from '../../engine/fields/custom-fields.js';
import { liveRecord } from '../../engine/records/missing-record.js';
import { nextChange } from '../../engine/records/record-changes.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { lockRecords, updateRecords } from '../../engine/records/record-statements.js';
import { lockJob } from './campaign-jobs.js';
import { campaigns } from './campaigns.js';

const noFields = new CustomFields([]);

/** Locks a campaign. Undefined for one that is deleted. */
export async function findCampaign(transaction: StatementTransaction, id: string): Promise<Campaign | undefined> {
  const stored = await transaction.rows<StoredRecord<Campaign>>(lockRecords(campaigns, [id]));
  const [campaign] = await openStored(campaigns, stored);
  return campaign?.deleteTime === undefined ? campaign : undefined;
}

/**
 * Locks the work on a campaign and the campaign, which is in one of some states.
 *
 * @throws AppError NOT_FOUND, FAILED_PRECONDITION CAMPAIGN_STATE, ABORTED ETAG_MISMATCH
 */
export async function lockCampaign(
  transaction: StatementTransaction,
  { id, etag }: { id: string; etag?: string | undefined },
  states: readonly CampaignState[],
): Promise<Campaign> {
  // The order in which claims lock them.
  await lockJob(transaction, id);
  const campaign = await liveRecord(transaction, campaigns, id, await findCampaign(transaction, id));
  checkEtag(etag, etagVersion(campaign.etag));
  if (states.includes(campaign.state)) return campaign;
  const state = CampaignState[campaign.state];
  throw new AppError('FAILED_PRECONDITION', 'CAMPAIGN_STATE', `The campaign is ${state}, which does not allow this.`, {
    metadata: { state },
  });
}

/** Changes a locked campaign. */
export function changeCampaign(
  transaction: StatementTransaction,
  before: Campaign,
  changes: Partial<Campaign>,
): Campaign {
  const changed = { ...before, ...changes, ...nextChange(before) };
  transaction.later(updateRecords(campaigns, [changed], noFields));
  return changed;
}
