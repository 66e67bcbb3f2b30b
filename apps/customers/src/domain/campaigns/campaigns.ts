import {
  CampaignAudience,
  CampaignDecision,
  CampaignMetric,
  CampaignState,
  type Campaign,
} from '@rapport/contracts/rapport/marketing/v1/campaign';
import { CampaignsServiceService } from '@rapport/contracts/rapport/marketing/v1/campaigns_service';
import { isRefusal, type TransactionStatement } from '@rapport/persistence';
import { AppError, currentCaller, type FieldViolation } from '@rapport/platform';
import { normaliserOf } from '../../engine/fields/normalise-record.js';
import type { RecordChange } from '../../engine/fields/record-definition.js';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';
import { recordContract } from '../../engine/values/contract.js';
import { sameValue } from '../../engine/values/same-value.js';
import { importedReason } from '../messages/messages.js';

const normalise = normaliserOf<Campaign>(recordContract('rapport/Campaign'));

/** What recipients get, and when. It is fixed once the campaign is no draft. */
const content = [
  ...(['topicKey', 'mailboxId', 'includeSegmentIds', 'excludeSegmentIds', 'audience', 'variants'] as const),
  ...(['test', 'schedule', 'throttlePerMinute', 'tracksClicks', 'tracksOpens', 'conversionDays'] as const),
];

/** States without work that is under way. */
const removable: ReadonlySet<CampaignState> = new Set([
  ...[CampaignState.DRAFT, CampaignState.DONE, CampaignState.CANCELLED],
]);

/** Campaigns: e-mails to the members of segments. */
export const campaigns = defineRecord<Campaign>('rapport/Campaign', CampaignsServiceService, {
  indexVersion: 1,
  alwaysSet: ['audience', 'state'],
  checkedLater: ['variants.templateId'],
  normalise(sent, customFields, before) {
    const { record, violations } = normalise(sent, customFields, before);
    return { record: withDefaults(record), violations };
  },
  guard: (change) => [...variantViolations(change.after), ...scheduleViolations(change.after), ...fixedContent(change)],
  stamp: ({ after: { state } }) => ({ state: state || CampaignState.DRAFT }),
  imported: withoutWork,
  deleted: (records) => (records.every(({ state }) => removable.has(state)) ? [] : [refuseDeletion()]),
});

export const CampaignsController = recordController(campaigns, CampaignsServiceService);

function withDefaults(record: Campaign): Campaign {
  const { audience, test, variants } = record;
  return {
    ...record,
    audience: audience || CampaignAudience.FROZEN,
    variants: variants.map((variant) => ({ ...variant, weight: variant.weight ?? 1 })),
    test: test && {
      ...test,
      metric: test.metric || CampaignMetric.CLICK,
      waitSeconds: test.waitSeconds ?? 14_400,
      decide: test.decide || CampaignDecision.AUTO,
    },
  };
}

/** The old workspace may go on with what is under way, so the new one sends none of it: see `campaignRecipients`. */
function withoutWork(campaign: Campaign): Campaign {
  const ended = { stateReason: importedReason };
  switch (campaign.state) {
    case CampaignState.SCHEDULED:
      return { ...campaign, ...ended, state: CampaignState.DRAFT };
    case CampaignState.PREPARING:
    case CampaignState.SENDING:
    case CampaignState.PAUSED:
      return { ...campaign, ...ended, state: CampaignState.CANCELLED, doneTime: campaign.updateTime };
    default:
      return campaign;
  }
}

function variantViolations({ variants, test }: Campaign): FieldViolation[] {
  const keys = variants.map(({ key }) => key);
  const twice = keys.flatMap((key, index): FieldViolation[] =>
    keys.indexOf(key) === index
      ? []
      : [{ field: `variants[${index}].key`, reason: 'DUPLICATE', description: 'must differ from the other keys' }],
  );
  if (!test || variants.length > 1) return twice;
  return [...twice, { field: 'test', reason: 'NOT_ALLOWED', description: 'needs several variants' }];
}

function scheduleViolations({ schedule }: Campaign): FieldViolation[] {
  if (!schedule) return [];
  const { sendTime, localTime } = schedule;
  if ((sendTime === undefined) === (localTime === undefined)) {
    return [{ field: 'schedule', reason: 'BAD_FORMAT', description: 'must have sendTime or localTime, and not both' }];
  }
  if (localTime === undefined || isLocalTime(localTime)) return [];
  return [{ field: 'schedule.localTime', reason: 'BAD_FORMAT', description: 'must be a day and time that exists' }];
}

/** A day of the calendar and a time of the clock, such as `2026-02-28T23:59`. */
function isLocalTime(text: string): boolean {
  const time = new Date(`${text}:00Z`);
  return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(text);
}

function fixedContent({ before, after }: RecordChange<Campaign>): FieldViolation[] {
  if (!before || before.state !== after.state) return [];
  if (before.state === CampaignState.DRAFT || before.state === CampaignState.UNSPECIFIED) return [];
  const changed = content.filter((name) => !sameValue(before[name], after[name]));
  const description = 'can not be changed, because the campaign is no draft';
  return changed.map((field) => ({ field, reason: 'NOT_DRAFT', description }));
}

function refuseDeletion(): TransactionStatement {
  const reason = 'CAMPAIGN_STATE';
  return {
    name: 'refuse_campaign_deletion',
    sql: `select refuse_unless($1::uuid is null, '${reason}')`,
    values: [currentCaller().tenantId],
    explain: (error) =>
      isRefusal(error, reason)
        ? new AppError(
            'FAILED_PRECONDITION',
            reason,
            'A campaign that is under way can not be deleted; cancel it first.',
          )
        : error,
  };
}
