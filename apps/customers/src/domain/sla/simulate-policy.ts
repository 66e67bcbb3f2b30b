import type { EntityManager } from '@mikro-orm/postgresql';
import type {
  SimulateSlaPolicyRequest,
  SimulateSlaPolicyResponse,
  SlaOutcome,
} from '@rapport/contracts/rapport/support/v1/sla_actions_service';
import { SlaMetric } from '@rapport/contracts/rapport/support/v1/sla_policy';
import type { Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import { queryRows } from '@rapport/persistence';
import { currentCaller, invalidField } from '@rapport/platform';
import { advance, settle, type SlaChange, type SlaEvent, type SlaState, type SlaTimerState } from '@rapport/time';
import { openStored, rowReader, shownColumns, type StoredRecord } from '../../engine/records/record-rows.js';
import { tickets } from '../tickets/tickets.js';
import { PolicyChoice } from './choose-policy.js';
import { calendarsOf, policyContent, policyKey } from './policy-content.js';
import { KeptDefinitions, presentCalendars } from './sla-definitions.js';
import { slaPolicies } from './sla-policies.js';
import { isMet } from './sla-timers.js';
import { eventOf, readEvents, type EventRow } from './ticket-history.js';
import { find } from './verify-timer.js';

/** Tickets that a simulation counts. */
const maxTickets = 500;

/** Counts past tickets by a policy as it is stored now. */
export async function simulateSlaPolicy(
  em: EntityManager,
  { id, simulation }: SimulateSlaPolicyRequest,
): Promise<SimulateSlaPolicyResponse> {
  const since = Date.parse(simulation?.since ?? '');
  const until = simulation?.until === undefined ? Date.now() : Date.parse(simulation.until);
  if (until < since) throw invalidField('simulation.until', 'END_BEFORE_START', 'must not be before the start');
  const { key: name, ...policy } = await find(em, slaPolicies, id);
  const content = policyContent({ key: name, ...policy });
  const key = policyKey(id, 0);
  const choice = await PolicyChoice.load(em, [{ id, key: name, name, version: 0, content }]);
  const found = await ticketsBetween(em, since, until);
  const met = found.slice(0, maxTickets).filter((ticket) => choice.choose(ticket) !== undefined);
  const calendars = await presentCalendars(em, calendarsOf(content));
  const known = await KeptDefinitions.load(em, []);
  known.addPolicy(key, content);
  for (const calendar of calendars) known.addCalendar(calendar.key, calendar.rule);
  const rules: SlaChange[] = [
    { kind: 'CALENDARS', calendars: Object.fromEntries(calendars.map((calendar) => [calendar.id, calendar.key])) },
    { kind: 'POLICY', policy: key },
  ];
  const rows = await queryRows<EventRow>(em, readEvents(met.map((ticket) => ticket.id)));
  const histories = Map.groupBy(rows, ({ ticket_id }) => ticket_id);
  const timers = [...histories.values()].flatMap((events) => {
    const state = events
      .map(eventOf)
      .reduce<SlaState | undefined>(
        (before, event, index) => advance(before, ruled(event, index === 0 ? rules : []), known),
        undefined,
      );
    return state ? settle(state, Math.max(Date.now(), state.settledMs), known).timers : [];
  });
  return { ticketCount: histories.size, truncated: found.length > maxTickets, outcomes: outcomesOf(timers) };
}

/** An event as it would be if one policy ruled all tickets. */
function ruled(event: SlaEvent, rules: readonly SlaChange[]): SlaEvent {
  const own = event.changes.filter(({ kind }) => kind !== 'POLICY' && kind !== 'CALENDARS');
  return { ...event, changes: [...own, ...rules] };
}

function outcomesOf(all: readonly SlaTimerState[]): SlaOutcome[] {
  return [...Map.groupBy(all, ({ metric }) => metric)].map(([metric, timers]) => {
    const breached = timers.filter(({ breachMs }) => breachMs !== undefined);
    const inTime = timers.filter((timer) => timer.breachMs === undefined);
    const consumed = timers.filter(isMet).map(({ consumedMs }) => Math.floor(consumedMs / 1_000));
    const sorted = consumed.toSorted((one, other) => one - other);
    const quantile = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
    return {
      ...{ metric: SlaMetric[metric], timers: timers.length, breached: breached.length },
      met: inTime.filter(isMet).length,
      cancelled: inTime.filter((timer) => timer.phase === 'ENDED' && !isMet(timer)).length,
      open: inTime.filter(({ phase }) => phase !== 'ENDED').length,
      ...{ medianSeconds: quantile(0.5), p90Seconds: quantile(0.9) },
    };
  });
}

/** The newest tickets that the caller sees, one more than are counted. */
async function ticketsBetween(em: EntityManager, since: number, until: number): Promise<Ticket[]> {
  const rows = await queryRows<StoredRecord<Ticket>>(em, {
    name: 'tickets_created_between',
    sql: `select ${shownColumns(tickets)} from ticket
      where tenant_id = $1 and create_time >= $2 and create_time < $3 and delete_time is null
      order by create_time desc, id desc limit ${maxTickets + 1}`,
    values: [currentCaller().tenantId, new Date(since).toISOString(), new Date(until).toISOString()],
    row: rowReader(tickets),
  });
  return openStored(tickets, rows);
}
