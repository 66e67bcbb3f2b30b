import type { EntityManager } from '@mikro-orm/postgresql';
import {
  ForecastSource,
  type ComputeForecastRequest,
  type Forecast,
  type ForecastConversion,
} from '@rapport/contracts/rapport/sales/v1/forecasts_service';
import { forkBeyondScope, readEachForTenant, readForTenant } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument, ownersSeenBy } from '@rapport/platform';
import { knownSince } from '../../engine/changes/history/known-since.js';
import { clockSkewMs } from '../../engine/changes/history/record-as-of.js';
import { ofAll } from '../../engine/query/list/planner-settings.js';
import { missingRecord } from '../../engine/records/missing-record.js';
import { knownRecord } from '../../engine/records/record-statements.js';
import { pipelines } from '../pipelines/pipelines.js';
import type { Conversion } from '../exchange-rates/conversion-rates.js';
import { forecastGroups } from './forecast-groups.js';
import { latestSnapshot } from './snapshots/find-snapshots.js';
import {
  findQuotas,
  maxNamed,
  sumDeals,
  type ForecastOrigin,
  type ForecastQuery,
  type QuotaRow,
  type SumRow,
} from './forecast-statement.js';
import { forecastSettings, type ForecastSettings } from './forecast-settings.js';
import { periodOf } from './period.js';

/** Types of the log whose changes a forecast reverts. */
const revertedTypes = ['deal', 'quota', 'settings', 'exchange_rate'];

/** Handles ComputeForecast. */
export async function computeForecast(em: EntityManager, request: ComputeForecastRequest): Promise<Forecast> {
  const { asOf } = request;
  const { tenantId } = currentCaller();
  if (request.pipelineId !== undefined) await checkPipeline(em, request.pipelineId);
  if (asOf === undefined) {
    const settings = await forecastSettings(em, tenantId, undefined);
    const forecast = await currentForecast(em, request, settings);
    await nextMillisecond();
    return forecast;
  }
  const time = new Date(asOf);
  if (time.getTime() > Date.now() + clockSkewMs) {
    throw invalidArgument([{ field: 'asOf', reason: 'IN_FUTURE', description: 'must not be in the future' }]);
  }
  // The scope of the caller applies to the owners at that time, not to those that the records have now.
  const reader = forkBeyondScope(em);
  // The log has microseconds.
  const since = time.toISOString().replace('Z', '999Z');
  const settings = await forecastSettings(reader, tenantId, since);
  const conversion = { target: settings.baseCurrency, day: dayOf(time.toISOString()) };
  const past = await forecastOf(reader, request, { since, conversion }, settings);
  // Read after the changes, so that changes dropped meanwhile are noticed.
  const known = await loggedSince(em);
  if (time >= known) return { ...past, computeTime: time.toISOString(), source: ForecastSource.LOG };
  return (await forecastOfSnapshot(reader, request, time)) ?? historyExpired(known);
}

/** The forecast of the records as they are, by the rates of the day that `computeTime` is on. */
async function currentForecast(
  em: EntityManager,
  request: ComputeForecastRequest,
  settings: ForecastSettings,
): Promise<Forecast> {
  const { baseCurrency: target } = settings;
  let day = dayOf(new Date().toISOString());
  for (;;) {
    const forecast = await forecastOf(em, request, { since: undefined, conversion: { target, day } }, settings);
    const computed = dayOf(forecast.computeTime ?? '');
    if (computed === day) return forecast;
    day = computed;
  }
}

/** The day of a time, in UTC, like those of rates. @param time RFC 3339 */
function dayOf(time: string): string {
  return time.slice(0, 10);
}

/** @throws AppError NOT_FOUND unless the pipeline is live, or deleted: its deals were in forecasts */
async function checkPipeline(em: EntityManager, id: string): Promise<void> {
  const found = await readForTenant(em, knownRecord(pipelines, id));
  if (found.length === 0) throw await missingRecord(em, pipelines, id);
}

/** The forecast of the latest snapshot at a time. Undefined without one that has the period. */
async function forecastOfSnapshot(
  em: EntityManager,
  request: ComputeForecastRequest,
  time: Date,
): Promise<Forecast | undefined> {
  const snapshot = await latestSnapshot(em, time);
  if (!snapshot) return undefined;
  const settings = { timeZone: snapshot.time_zone, fiscalYearStartMonth: snapshot.fiscal_year_start_month };
  const { months, last } = periodOf(request.period, settings.fiscalYearStartMonth, settings.timeZone);
  if (months[0].key < snapshot.first_month || last.key > snapshot.last_month) return undefined;
  const computeTime = new Date(snapshot.time).toISOString();
  const conversion =
    snapshot.base_currency === null ? undefined : { target: snapshot.base_currency, day: dayOf(computeTime) };
  const forecast = await forecastOf(em, request, { snapshotId: snapshot.id, conversion }, settings);
  return { ...forecast, computeTime, source: ForecastSource.SNAPSHOT };
}

function historyExpired(known: Date): never {
  const message =
    'The change log does not go back that far, and no earlier snapshot has the period. oldestTime is that of the log.';
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
export async function loggedSince(em: EntityManager): Promise<Date> {
  const times = await Promise.all(revertedTypes.map(async (type) => (await knownSince(em, type)).time.getTime()));
  return new Date(Math.max(...times));
}

async function forecastOf(
  em: EntityManager,
  request: ComputeForecastRequest,
  origin: ForecastOrigin,
  { timeZone, fiscalYearStartMonth }: Pick<ForecastSettings, 'timeZone' | 'fiscalYearStartMonth'>,
): Promise<Forecast> {
  const period = periodOf(request.period, fiscalYearStartMonth, timeZone);
  const caller = currentCaller();
  const { pipelineId, ownerId, ownerTeamId, currency, groupBy: grouping } = request;
  const query: ForecastQuery = {
    ...{ tenantId: caller.tenantId, period, grouping, seen: ownersSeenBy(caller) },
    ...{ pipelineId, ownerId, ownerTeamId, currency },
  };
  const clock = { sql: 'select clock_timestamp() as now', values: [] };
  const statements = [sumDeals(query, origin), findQuotas(query, origin), clock];
  const [sums = [], quotas = [], times = []] = await readEachForTenant<object>(em, statements, ofAll);
  const [{ now }] = times as [{ now: string | Date }];
  // Quotas are not divided by pipelines.
  const compared = pipelineId === undefined ? (quotas as QuotaRow[]) : [];
  return {
    ...{ period: period.key, startDate: period.months[0].first, endDate: period.last.last, timeZone },
    ...{ computeTime: new Date(now).toISOString(), source: ForecastSource.RECORDS },
    ...forecastGroups(query, sums as SumRow[], compared, origin.conversion?.target),
    conversion: origin.conversion && conversionOf(origin.conversion, sums as SumRow[]),
  };
}

/** By what the deals of the total were converted. */
function conversionOf({ target, day }: Conversion, sums: readonly SumRow[]): ForecastConversion {
  const total = sums.find(({ conversion }) => conversion !== null);
  const rates = total?.conversion?.rates ?? [];
  return {
    ...{ currencyCode: target, date: day },
    ...{ rates: rates.slice(0, maxNamed.rates), ratesOmitted: rates.length > maxNamed.rates },
    unconvertedDealIds: total?.conversion?.unconverted ?? [],
    unconvertedDealCount: Number(total?.unconverted_count ?? 0),
  };
}
