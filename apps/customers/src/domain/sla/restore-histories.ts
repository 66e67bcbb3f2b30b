import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows, transactionPipeline, type Statement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { SlaDefinitions, SlaEvent, SlaState } from '@rapport/time';
import { advance, compacted, settle } from '@rapport/time';
import { momentStatements } from './count-event.js';
import { definitionsOf, KeptDefinitions } from './sla-definitions.js';
import { writeEvent, writeKept, type StoredTimer } from './ticket-history.js';

/** What happened to a ticket, in order. */
export interface TicketHistory {
  ticketId: string;
  /** The time until which its timers are counted. */
  settledMs: number;
  events: readonly SlaEvent[];
}

/** Thrown for a history that no ticket of the stored timers and definitions has. */
export class InvalidHistory extends Error {
  constructor(ticketId: string, cause: unknown) {
    super(`The history of the ticket ${ticketId} is invalid.`, { cause });
  }
}

/**
 * Stores the histories of stored tickets, and what is computed from them: their stored timers continue.
 *
 * @throws InvalidHistory
 */
export async function restoreHistories(em: EntityManager, histories: readonly TicketHistory[]): Promise<void> {
  const keys = histories.flatMap(({ events }) => definitionsOf(events));
  const known = await KeptDefinitions.load(em, keys);
  const rows = await queryRows<TimerRow>(em, storedTimers(histories.map(({ ticketId }) => ticketId)));
  const timersOf = Map.groupBy(rows, (row) => row.ticket_id);
  const statements = histories.flatMap((history) => {
    const { ticketId, events } = history;
    const { state, timers } = computed(history, known, timersOf.get(ticketId) ?? []);
    return [
      ...events.map((event, position) => writeEvent(ticketId, position, event)),
      writeKept(ticketId, { state, timers, events: events.length }),
      ...momentStatements(ticketId, undefined, state),
    ];
  });
  await transactionPipeline(em, statements);
}

function computed(history: TicketHistory, known: SlaDefinitions, rows: readonly TimerRow[]) {
  try {
    const state = replayed(history, known);
    return { state, timers: timersOfState(state, rows) };
  } catch (cause) {
    throw new InvalidHistory(history.ticketId, cause);
  }
}

function replayed({ events, settledMs }: TicketHistory, known: SlaDefinitions): SlaState {
  let state: SlaState | undefined;
  for (const event of events) state = compacted(advance(state, event, known));
  if (!state) throw new Error('The history of a ticket has no event.');
  return compacted(settle(state, settledMs, known));
}

interface TimerRow extends StoredTimer {
  ticket_id: string;
  key: string;
}

function timersOfState({ timers }: SlaState, rows: readonly TimerRow[]): Record<string, StoredTimer> {
  const stored = new Map(rows.map((row) => [row.key, row]));
  return Object.fromEntries(
    timers.map(({ metric, cycle }) => {
      const key = `${metric}/${cycle}`;
      const timer = stored.get(key);
      if (!timer) throw new Error(`The timer ${key} of a ticket is missing.`);
      return [key, { id: timer.id, version: timer.version }];
    }),
  );
}

/** The rows are `TimerRow`. */
function storedTimers(ticketIds: readonly string[]): Statement {
  return {
    name: 'sla_timers_of_tickets',
    sql: `select ticket_id, metric || '/' || cycle as key, id, version from sla_timer
      where tenant_id = $1 and ticket_id = any ($2::uuid[])`,
    values: [currentCaller().tenantId, [...ticketIds]],
  };
}
