import { TemplateFormat } from '@rapport/contracts/rapport/content/v1/template';
import { CampaignState, type Campaign, type CampaignSchedule } from '@rapport/contracts/rapport/marketing/v1/campaign';
import { inOpenTransaction, cancelStatement, type StatementTransaction, type TimerHandler } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument, invalidField, type FieldViolation } from '@rapport/platform';
import { readMailAddresses } from '../messages/mail-addresses.js';
import { collectLinks } from '../tracking/tracked-links.js';
import { storeCampaignLinks } from '../tracking/campaign-links.js';
import { campaignTimer, conversionsKind, insertJob, lockJob, prepareKind, startKind } from './campaign-jobs.js';
import { changeCampaign, findCampaign, lockCampaign } from './change-campaign.js';
import { firstZone, instantOf } from './local-time.js';
import { variantTexts } from './sending/render-recipients.js';

interface Named {
  id: string;
  etag?: string | undefined;
}

/** How long before the first local time the recipients are written. */
const preparationMs = 3_600_000;

/** Handles StartCampaign. */
export async function startCampaign(transaction: StatementTransaction, request: Named): Promise<Campaign> {
  const campaign = await lockCampaign(transaction, request, [CampaignState.DRAFT, CampaignState.SCHEDULED]);
  await refuseUnready(transaction, campaign);
  return begin(transaction, campaign);
}

/** Handles ScheduleCampaign. */
export async function scheduleCampaign(
  transaction: StatementTransaction,
  request: Named & { schedule?: CampaignSchedule | undefined },
): Promise<Campaign> {
  const campaign = await lockCampaign(transaction, request, [CampaignState.DRAFT, CampaignState.SCHEDULED]);
  const schedule = request.schedule ?? campaign.schedule;
  if (!schedule) throw invalidField('schedule', 'REQUIRED', 'is required, since the campaign has none');
  const { sendTime, localTime } = schedule;
  if ((sendTime === undefined) === (localTime === undefined)) {
    throw invalidField('schedule', 'BAD_FORMAT', 'must have sendTime or localTime, and not both');
  }
  // The first recipients have the local time in the zone whose days begin first.
  const first = sendTime === undefined ? instantOf(localTime!, firstZone) : new Date(sendTime);
  if (first.getTime() < Date.now()) {
    const field = sendTime === undefined ? 'schedule.localTime' : 'schedule.sendTime';
    throw invalidField(field, 'IN_PAST', 'must be in the future, in all time zones');
  }
  await refuseUnready(transaction, campaign);
  const dueTime = new Date(first.getTime() - (sendTime === undefined ? preparationMs : 0));
  transaction.later(campaignTimer(startKind, campaign.id, dueTime));
  return changeCampaign(transaction, campaign, { schedule, state: CampaignState.SCHEDULED, stateReason: undefined });
}

/** Starts a campaign at the time of its schedule. One that can not be sent any more becomes a draft again, and says why. */
export const startScheduled: TimerHandler = (em, { recordId }) =>
  inOpenTransaction(em, async (transaction) => {
    await lockJob(transaction, recordId);
    const campaign = await findCampaign(transaction, recordId);
    if (campaign?.state !== CampaignState.SCHEDULED) return;
    const violations = await faultsOf(transaction, campaign);
    if (violations.length === 0) await begin(transaction, campaign);
    else changeCampaign(transaction, campaign, { state: CampaignState.DRAFT, stateReason: violations[0]!.reason });
  });

/** Cancels the timer of a scheduled campaign. */
export function unschedule(campaignId: string) {
  const { tenantId } = currentCaller();
  return cancelStatement({ tenantId, recordType: 'campaign', recordId: campaignId, purpose: 'start' });
}

async function begin(transaction: StatementTransaction, campaign: Campaign): Promise<Campaign> {
  if (campaign.tracksClicks) await storeLinks(transaction, campaign);
  transaction.later(
    unschedule(campaign.id),
    insertJob(campaign.id, campaign),
    campaignTimer(prepareKind, campaign.id, new Date()),
    ...(campaign.conversionDays === undefined ? [] : [campaignTimer(conversionsKind, campaign.id, new Date())]),
  );
  const startTime = new Date().toISOString();
  return changeCampaign(transaction, campaign, { state: CampaignState.PREPARING, stateReason: undefined, startTime });
}

async function storeLinks(transaction: StatementTransaction, campaign: Campaign): Promise<void> {
  const urls: string[] = [];
  for (const { key } of campaign.variants) {
    const { format, body, html = body, textBody = '' } = await variantTexts(transaction, campaign, key);
    const isText = format === TemplateFormat.TEXT;
    urls.push(...collectLinks({ html: isText ? undefined : html, text: isText ? body : textBody }));
  }
  await storeCampaignLinks(transaction, campaign.id, urls);
}

async function refuseUnready(transaction: StatementTransaction, campaign: Campaign): Promise<void> {
  const violations = await faultsOf(transaction, campaign);
  if (violations.length > 0) throw invalidArgument(violations);
}

/** Why a campaign can not be sent. */
async function faultsOf(transaction: StatementTransaction, campaign: Campaign): Promise<FieldViolation[]> {
  const { topicKey, mailboxId, includeSegmentIds, excludeSegmentIds, variants } = campaign;
  const faults: FieldViolation[] = [];
  const mailbox = (await readMailAddresses(transaction)).find((each) => each.mailboxId === mailboxId);
  if (!mailbox?.canSend) {
    faults.push({
      field: 'mailboxId',
      reason: 'MAILBOX_UNKNOWN',
      description: 'must be the id of a mailbox that can send',
    });
  }
  const [found] = await transaction.rows<{ hasTopic: boolean; segments: string[] }>({
    name: 'needs_of_campaign',
    sql: `select exists(select from topic where tenant_id = $1 and key = $2 and delete_time is null) as "hasTopic",
        array(select id::text from segment where tenant_id = $1 and id = any ($3::uuid[]) and delete_time is null) as segments`,
    values: [currentCaller().tenantId, topicKey, [...includeSegmentIds, ...excludeSegmentIds]],
  });
  if (!found?.hasTopic)
    faults.push({ field: 'topicKey', reason: 'TOPIC_UNKNOWN', description: 'must be the key of a topic' });
  for (const field of ['includeSegmentIds', 'excludeSegmentIds'] as const) {
    campaign[field].forEach((id, index) => {
      if (found?.segments.includes(id)) return;
      const description = 'must be the id of a segment';
      faults.push({ field: `${field}[${index}]`, reason: 'SEGMENT_UNKNOWN', description });
    });
  }
  for (const [index, { key }] of variants.entries()) {
    const fault = await templateFault(transaction, campaign, key);
    if (fault) faults.push({ field: `variants[${index}].${fault.field}`, ...fault.violation });
  }
  return faults;
}

interface TemplateFault {
  field: string;
  violation: Pick<FieldViolation, 'reason' | 'description'>;
}

async function templateFault(
  transaction: StatementTransaction,
  campaign: Campaign,
  key: string,
): Promise<TemplateFault | undefined> {
  try {
    const { subject } = await variantTexts(transaction, campaign, key);
    if (subject !== undefined) return undefined;
    const description = 'is required, because the template has no subject';
    return { field: 'subject', violation: { reason: 'REQUIRED', description } };
  } catch (error) {
    if (!(error instanceof AppError) || error.code === 'UNAVAILABLE') throw error;
    const description = 'must be the id of a published template';
    return { field: 'templateId', violation: { reason: 'TEMPLATE_NOT_PUBLISHED', description } };
  }
}
