import { DealStatus, type Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import { DealsServiceService } from '@rapport/contracts/rapport/sales/v1/deals_service';
import { StageKind, type Stage } from '@rapport/contracts/rapport/sales/v1/pipeline';
import type { StatementTransaction } from '@rapport/persistence';
import { defineRecord } from '../../engine/fields/record-type.js';
import { missingRecord } from '../../engine/records/missing-record.js';
import { recordController } from '../../engine/serve/record-controller.js';
import { categoryOfStatus, categoryViolations, forecastOf } from './deal-forecast.js';
import { valuesOf, valueViolations } from './deal-lines.js';
import { rankOfEntry, rankOfNew } from './rank.js';
import { enterStages } from './stage-entries.js';
import { hasMoved, openTasks, stageOf, stageViolations } from './stage-rules.js';

/** Deals: possible sales, each in a stage of a pipeline. */
export const deals = defineRecord<Deal>('rapport/Deal', DealsServiceService, {
  indexVersion: 3,
  needs: ['pipelineId'],
  facts: openTasks,
  guard(change) {
    const violations = valueViolations(change);
    if (violations.length > 0) return violations;
    const { after } = change;
    return [
      // The amount that a guard requires may be that of the lines.
      ...stageViolations({ ...change, after: { ...after, ...valuesOf(after) } }),
      ...categoryViolations(after.forecastCategory, 'forecastCategory'),
    ];
  },
  stamp({ before, after, needs }, now) {
    const hasEntered = hasMoved(before, after);
    const stage = stageOf(needs, after.stage);
    const status = stage ? statusOf(stage) : after.status;
    const hasClosed = hasEntered || before?.status !== status;
    const moment = later(now, before?.stageTime);
    const closeTime = status === DealStatus.OPEN ? undefined : hasClosed ? moment : before.closeTime;
    const rank = rankAfter(before, after, moment);
    const stageTime = hasEntered ? moment : before?.stageTime;
    const rotTime = status === DealStatus.OPEN ? rotTimeOf(stage, stageTime) : undefined;
    const values = valuesOf(after);
    const forecast = forecastOf({ ...after, ...values }, status, stage);
    return { status, closeTime, stageTime, rotTime, rank, ...values, ...forecast };
  },
  lacking: lackingFields,
  checkUndelete: refuseMerged,
  detail: ({ stage }) => stage,
  openStatuses: ['OPEN'],
  also: (changes) => enterStages(changes.filter(({ before, after }) => hasMoved(before, after))),
});

export const DealsController = recordController(deals, DealsServiceService);

/** Only undoing the merge restores a merged deal. */
async function refuseMerged(transaction: StatementTransaction, { id, mergedIntoId }: Deal): Promise<void> {
  if (mergedIntoId !== undefined) throw await missingRecord(transaction, deals, id);
}

/** What deals of earlier releases lack. */
function lackingFields({ id, rank, status, effectiveForecastCategory: category }: Deal): Partial<Deal> | undefined {
  if (rank !== undefined && category) return undefined;
  return { rank: rank ?? rankOfNew(id), effectiveForecastCategory: category || categoryOfStatus(status) };
}

/** The rank of a stored deal. A move to a position in another stage has set that of `after` to one that differs from `before`. */
function rankAfter(before: Deal | undefined, after: Deal, entered: string | undefined): string | undefined {
  if (!before) return rankOfNew(after.id);
  const hasRank = after.rank !== before.rank || !hasMoved(before, after);
  return hasRank ? after.rank : rankOfEntry(after.id, entered ?? '');
}

/** @param since when the deal entered the stage */
function rotTimeOf(stage: Stage | undefined, since: string | undefined): string | undefined {
  if (stage?.limitDays === undefined || since === undefined) return undefined;
  return new Date(Date.parse(since) + stage.limitDays * dayMs).toISOString();
}

const dayMs = 86_400_000;

/** The clock of another process may be ahead: the leave time is never before the enter time. */
function later(now: string | undefined, entered: string | undefined): string | undefined {
  return Date.parse(entered ?? '') > Date.parse(now ?? '') ? entered : now;
}

function statusOf({ kind }: Stage): DealStatus {
  switch (kind) {
    case StageKind.WON:
      return DealStatus.WON;
    case StageKind.LOST:
      return DealStatus.LOST;
    default:
      return DealStatus.OPEN;
  }
}
