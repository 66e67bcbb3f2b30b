import type { EntityManager } from '@mikro-orm/postgresql';
import { SlaMetric } from '@rapport/contracts/rapport/support/v1/sla_policy';
import {
  TicketReportGroup,
  type GetTicketReportRequest,
  type MetricTimes,
  type TicketReport,
  type TicketTimes,
  type TimeQuantiles,
} from '@rapport/contracts/rapport/support/v1/ticket_reports_service';
import { readEachForTenant, type Statement } from '@rapport/persistence';
import { currentCaller, invalidArgument } from '@rapport/platform';
import { ofAll } from '../../engine/query/list/planner-settings.js';

const maxRows = 400;

/** Handles GetTicketReport. */
export async function ticketReport(em: EntityManager, request: GetTicketReportRequest): Promise<TicketReport> {
  const range = rangeOf(request);
  const key = keys[request.groupBy];
  const isInOrder = request.groupBy >= TicketReportGroup.DAY;
  const statements = [
    countTickets(undefined, range),
    countTimers(undefined, range),
    countTickets(key, range, isInOrder),
    countTimers(key, range),
  ];
  const [total = [], totalTimers = [], rows = [], timers = []] = await readEachForTenant<object>(em, statements, ofAll);
  const metrics = Map.groupBy(timers as TimerRow[], (row) => row.key);
  return {
    total: timesOf(total[0] as TicketRow, totalTimers as TimerRow[]),
    rows: (rows as TicketRow[]).map((row) => timesOf(row, metrics.get(row.key) ?? [])),
  };
}

/** What rows are grouped by, as a text. */
const keys: Readonly<Record<TicketReportGroup, string>> = {
  [TicketReportGroup.UNSPECIFIED]: 'ticket.queue_id::text',
  [TicketReportGroup.QUEUE]: 'ticket.queue_id::text',
  [TicketReportGroup.OWNER]: 'ticket.owner_id::text',
  [TicketReportGroup.PRIORITY]: 'ticket.priority',
  [TicketReportGroup.DAY]: dayOf('day'),
  [TicketReportGroup.WEEK]: dayOf('week'),
  [TicketReportGroup.MONTH]: dayOf('month'),
};

/** The first day of a period, in UTC: no zone with rules of its own takes part. */
function dayOf(period: string): string {
  return `to_char(date_trunc('${period}', ticket.create_time, 'UTC') at time zone 'UTC', 'YYYY-MM-DD')`;
}

interface Range {
  start: string;
  end: string;
}

function rangeOf({ startTime, endTime }: GetTicketReportRequest): Range {
  const [start, end] = [startTime ?? '-infinity', endTime ?? 'infinity'];
  if (startTime === undefined || endTime === undefined || new Date(startTime) < new Date(endTime))
    return { start, end };
  throw invalidArgument([{ field: 'endTime', reason: 'END_BEFORE_START', description: 'must be after startTime' }]);
}

const counted = `ticket.tenant_id = $1 and ticket.create_time >= $2::timestamptz and ticket.create_time < $3::timestamptz
  and ticket.delete_time is null and ticket.merged_into_id is null and ticket.is_spam is not true`;

interface TicketRow {
  key: string | null;
  tickets: number;
  answered: number;
  solved: number;
  reopened: number;
  breached: number;
  response: [median: number, p90: number] | null;
  resolution: [median: number, p90: number] | null;
}

function quantiles(seconds: string): string {
  return `percentile_disc(array[0.5, 0.9]) within group (order by ${seconds})`;
}

function secondsUntil(column: string): string {
  return `floor(extract(epoch from ${column} - create_time))::int`;
}

/** @param key absent for one row about all tickets */
function countTickets(key: string | undefined, { start, end }: Range, isInOrder = false): Statement {
  return {
    sql: `select ${key ?? 'null'} as key, count(*)::int as tickets, count(first_response_time)::int as answered,
        count(*) filter (where category in ('SOLVED', 'CLOSED'))::int as solved,
        count(*) filter (where reopen_count > 0)::int as reopened, count(*) filter (where is_breached)::int as breached,
        to_json(${quantiles(secondsUntil('first_response_time'))}) as response,
        to_json(${quantiles(secondsUntil('solved_time'))}) as resolution
      from ticket where ${counted}
      ${key === undefined ? '' : `group by 1 order by ${isInOrder ? '1' : 'count(*) desc, 1'} limit ${maxRows}`}`,
    values: [currentCaller().tenantId, start, end],
  };
}

interface TimerRow {
  key: string | null;
  metric: keyof typeof SlaMetric;
  timers: number;
  kept: number;
  consumed: [median: number, p90: number] | null;
}

/** The timers that ended by what they measure, and not by a merge or a change of the policy. */
function countTimers(key: string | undefined, { start, end }: Range): Statement {
  return {
    sql: `select ${key ?? 'null'} as key, timer.metric, count(*)::int as timers,
        count(*) filter (where timer.breach_time is null)::int as kept,
        to_json(${quantiles('timer.consumed_seconds')}) as consumed
      from ticket join sla_timer timer on timer.tenant_id = $1 and timer.ticket_id = ticket.id
      where ${counted} and timer.met_time is not null and timer.delete_time is null
      group by 1, 2 order by 1, 2`,
    values: [currentCaller().tenantId, start, end],
  };
}

function timesOf(row: TicketRow, timers: readonly TimerRow[]): TicketTimes {
  return {
    key: row.key ?? undefined,
    ticketCount: row.tickets,
    answeredCount: row.answered,
    solvedCount: row.solved,
    reopenedCount: row.reopened,
    breachedCount: row.breached,
    firstResponse: quantilesOf(row.response),
    resolution: quantilesOf(row.resolution),
    metrics: timers.map(({ metric, timers: timerCount, kept: keptCount, consumed }): MetricTimes => ({
      ...{ metric: SlaMetric[metric], timerCount, keptCount },
      consumed: quantilesOf(consumed),
    })),
  };
}

function quantilesOf(values: readonly [number, number] | null): TimeQuantiles | undefined {
  return values === null ? undefined : { medianSeconds: values[0], p90Seconds: values[1] };
}
