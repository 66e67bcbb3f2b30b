import type { Statement, TransactionStatement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { SlaEvent, SlaState } from '@rapport/time';

/** A timer that is stored. */
export interface StoredTimer {
  id: string;
  version: number;
}

/** What is kept of a ticket. */
export interface KeptTicket {
  state: SlaState;
  /** By metric and cycle: those that the state has. */
  timers: Readonly<Record<string, StoredTimer>>;
  /** Number of events in the history. */
  events: number;
}

/** The rows are `KeptTicket`. Their tickets are locked by the caller. */
export function readKept(ticketId: string): Statement {
  return {
    name: 'sla_ticket',
    sql: 'select state, timers, events from sla_ticket where tenant_id = $1 and ticket_id = $2',
    values: [currentCaller().tenantId, ticketId],
    isQuick: true,
  };
}

export function writeKept(ticketId: string, { state, timers, events }: KeptTicket): TransactionStatement {
  const isLive = state.timers.some(({ phase }) => phase !== 'ENDED');
  return {
    name: 'write_sla_ticket',
    sql: `insert into sla_ticket (tenant_id, ticket_id, state, timers, events, is_live) values ($1, $2, $3, $4, $5, $6)
      on conflict (tenant_id, ticket_id) do update
      set state = excluded.state, timers = excluded.timers, events = excluded.events, is_live = excluded.is_live`,
    values: [currentCaller().tenantId, ticketId, JSON.stringify(state), JSON.stringify(timers), events, isLive],
  };
}

export function writeEvent(
  ticketId: string,
  position: number,
  { id, timeMs, changes }: SlaEvent,
): TransactionStatement {
  const time = new Date(timeMs).toISOString();
  return {
    name: 'write_sla_event',
    sql: `insert into sla_event (tenant_id, ticket_id, position, cause, time, changes) values ($1, $2, $3, $4, $5, $6)`,
    values: [currentCaller().tenantId, ticketId, position, id, time, JSON.stringify(changes)],
  };
}

/** The histories of tickets, each in its order. The rows are `EventRow`. */
export function readEvents(ticketIds: readonly string[]): Statement {
  return {
    name: 'sla_events_of_tickets',
    sql: `select ticket_id, cause, (extract(epoch from time) * 1000)::float8 as time_ms, changes from sla_event
      where tenant_id = $1 and ticket_id = any ($2::uuid[]) order by ticket_id, position`,
    values: [currentCaller().tenantId, [...ticketIds]],
  };
}

export interface EventRow {
  ticket_id: string;
  cause: string;
  time_ms: number;
  changes: SlaEvent['changes'];
}

export function eventOf({ cause, time_ms: timeMs, changes }: EventRow): SlaEvent {
  return { id: cause, timeMs, changes };
}
