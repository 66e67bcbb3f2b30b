import type { EntityManager } from '@mikro-orm/postgresql';
import {
  ForecastSource,
  type ComputeForecastRequest,
  type Forecast,
} from '@rapport/contracts/rapport/sales/v1/forecasts_service';
import { forkBeyondScope, readEachForTenant } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument, ownersSeenBy } from '@rapport/platform';
import { knownSince } from '../../engine/changes/history/known-since.js';
import { clockSkewMs } from '../../engine/changes/history/record-as-of.js';
import { ofAll } from '../../engine/query/list/planner-settings.js';
import { forecastGroups } from './forecast-groups.js';
import { findQuotas, sumDeals, type ForecastQuery, type QuotaRow, type SumRow } from './forecast-statement.js';
import { forecastSettings } from './forecast-settings.js';
import { periodOf } from './period.js';

/** Types of the log whose changes a forecast reverts. */
const revertedTypes = ['deal', 'quota', 'settings'];

/** Handles ComputeForecast. */
export async function computeForecast(em: EntityManager, request: ComputeForecastRequest): Promise<Forecast> {
  const { asOf } = request;
  if (asOf === undefined) {
    const forecast = await forecastOf(em, request);
    await nextMillisecond();
    return forecast;
  }
  const time = new Date(asOf);
  if (time.getTime() > Date.now() + clockSkewMs) {
    throw invalidArgument([{ field: 'asOf', reason: 'IN_FUTURE', description: 'must not be in the future' }]);
  }
  // The scope of the caller applies to the owners at that time, whoever owns the records now.
  const past = await forecastOf(forkBeyondScope(em), request, time);
  // Read after the changes, so that changes dropped meanwhile are noticed.
  const known = await loggedSince(em);
  if (time >= known) return past;
  const message = 'The change log does not go back that far. oldestTime is the earliest available time.';
  throw new AppError('FAILED_PRECONDITION', 'HISTORY_EXPIRED', message, {
    metadata: { oldestTime: known.toISOString() },
  });
}

/** A change counts from the end of the millisecond in which it was logged: those after the answer are in a later one. */
function nextMillisecond(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 2);
  });
}

/** The time since which the log has all changes of which a forecast depends. */
async function loggedSince(em: EntityManager): Promise<Date> {
  const times = await Promise.all(revertedTypes.map(async (type) => (await knownSince(em, type)).time.getTime()));
  return new Date(Math.max(...times));
}

/** A forecast of the records as they are, or as of a time that the log knows. */
export async function forecastOf(em: EntityManager, request: ComputeForecastRequest, asOf?: Date): Promise<Forecast> {
  // The log has microseconds.
  const since = asOf?.toISOString().replace('Z', '999Z');
  const { timeZone, fiscalYearStartMonth } = await forecastSettings(em, since);
  const period = periodOf(request.period, fiscalYearStartMonth, timeZone);
  const { tenantId } = currentCaller();
  const query: ForecastQuery = {
    ...{ tenantId, period, grouping: request.groupBy, seen: ownersSeenBy(currentCaller()) },
    ...{ pipelineId: request.pipelineId, ownerId: request.ownerId, ownerTeamId: request.ownerTeamId },
    currency: request.currency,
  };
  const clock = { sql: 'select clock_timestamp() as now', values: [] };
  const [sums = [], quotas = [], times = []] = await readEachForTenant<object>(
    em,
    [sumDeals(query, since), findQuotas(query, since), clock],
    ofAll,
  );
  const [{ now }] = times as [{ now: string | Date }];
  const hasQuotas = request.pipelineId === undefined;
  return {
    ...{ period: period.key, startDate: period.months[0].first, endDate: period.last.last, timeZone },
    computeTime: (asOf ?? new Date(now)).toISOString(),
    source: asOf === undefined ? ForecastSource.RECORDS : ForecastSource.LOG,
    ...forecastGroups(query, sums as SumRow[], hasQuotas ? (quotas as QuotaRow[]) : []),
  };
}
