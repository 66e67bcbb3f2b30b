import type { EntityManager } from '@mikro-orm/postgresql';
import type { SlaEvent } from '@rapport/time';
import { validate as isUuid } from 'uuid';
import { InvalidHistory, restoreHistories, type TicketHistory } from '../../sla/restore-histories.js';
import { archiveInvalid } from './archive-error.js';
import type { Section } from './section.js';

/** A line of the section. */
interface Line {
  ticketId: string;
  settledMs: number;
  events: readonly { cause: string; time: string; changes: SlaEvent['changes'] }[];
}

/** The histories of tickets, from which their timers are counted. One line per ticket. */
export class HistorySection implements Section {
  readonly name = 'rows/sla_event';
  readonly table = 'sla_event';
  readonly select = `select jsonb_build_object(
      'ticketId', ticket_id,
      'settledMs', (select state -> 'settledMs' from sla_ticket kept
        where kept.tenant_id = sla_event.tenant_id and kept.ticket_id = sla_event.ticket_id),
      'events', jsonb_agg(jsonb_build_object('cause', cause, 'time', time, 'changes', changes) order by position)
    )::text as line
    from sla_event where tenant_id = ? group by tenant_id, ticket_id order by ticket_id`;

  linesOf(rows: readonly object[]): Promise<string[]> {
    return Promise.resolve((rows as { line: string }[]).map(({ line }) => line));
  }

  async insert(em: EntityManager, lines: readonly string[]): Promise<{ stored: number; waiting: number }> {
    const histories = lines.map((line) => this.#read(line));
    try {
      await restoreHistories(em, histories);
    } catch (error) {
      throw error instanceof InvalidHistory ? this.#invalid(error) : error;
    }
    return { stored: histories.length, waiting: 0 };
  }

  hasAll(): Promise<boolean> {
    return Promise.resolve(true);
  }

  #read(text: string): TicketHistory {
    let line: Line | undefined;
    try {
      line = JSON.parse(text) as Line;
    } catch (cause) {
      throw this.#invalid(cause);
    }
    if (!isLine(line)) throw this.#invalid();
    const events = line.events.map(({ cause, time, changes }) => ({ id: cause, timeMs: Date.parse(time), changes }));
    // Timers that the future has counted could not change until then.
    return { ticketId: line.ticketId, settledMs: Math.min(line.settledMs, Date.now()), events };
  }

  #invalid(cause?: unknown) {
    return archiveInvalid(`${this.name} has a line that is not the history of a ticket with its timers.`, cause);
  }
}

function isLine(line: unknown): line is Line {
  const { ticketId, settledMs, events } = (line ?? {}) as Record<string, unknown>;
  return isUuid(ticketId) && Number.isSafeInteger(settledMs) && Array.isArray(events) && events.every(isEvent);
}

function isEvent(event: unknown): boolean {
  const { cause, time, changes } = (event ?? {}) as Record<string, unknown>;
  const isAtTime = typeof time === 'string' && !Number.isNaN(Date.parse(time));
  return typeof cause === 'string' && isAtTime && Array.isArray(changes) && changes.every(isChange);
}

const kinds = new Set([
  ...['CREATED', 'STATUS', 'PRIORITY', 'POLICY', 'CALENDARS', 'CUSTOMER_MESSAGE', 'PUBLIC_REPLY'],
  ...['MERGED', 'UNMERGED', 'DELETED', 'UNDELETED'],
]);
const categories = new Set(['NEW', 'OPEN', 'PENDING', 'ON_HOLD', 'SOLVED', 'CLOSED']);
const priorities = new Set(['LOW', 'NORMAL', 'HIGH', 'URGENT']);

function isChange(change: unknown): boolean {
  const { kind, category, priority, policy, calendars } = (change ?? {}) as Record<string, unknown>;
  const hasState = kind === 'CREATED' || kind === 'STATUS' ? categories.has(category as string) : true;
  const hasPriority = kind === 'CREATED' || kind === 'PRIORITY' ? priorities.has(priority as string) : true;
  const hasCalendars = kind === 'CALENDARS' ? typeof calendars === 'object' && calendars !== null : true;
  return (
    kinds.has(kind as string) &&
    hasState &&
    hasPriority &&
    hasCalendars &&
    ['undefined', 'string'].includes(typeof policy)
  );
}
