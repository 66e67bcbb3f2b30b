import type { SlaTimer } from '@rapport/contracts/rapport/support/v1/sla_timer';
import type { Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import {
  beyondScope,
  cancelStatement,
  formatEtag,
  timerStatement,
  type TransactionStatement,
} from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import {
  advance,
  compacted,
  nextMomentMs,
  settle,
  type SlaDefinitions,
  type SlaEvent,
  type SlaState,
} from '@rapport/time';
import { v7 as uuidv7 } from 'uuid';
import { CustomFields } from '../../engine/fields/custom-fields.js';
import { insertRecords, updateRecords } from '../../engine/records/record-statements.js';
import { timerContent, slaTimers } from './sla-timers.js';
import { writeEvent, writeKept, type KeptTicket, type StoredTimer } from './ticket-history.js';

/** Kind of the timers. A ticket with running timers has one: for what is due next. */
export const momentKind = 'sla.moment';

/** What follows for a ticket. */
export interface Counted {
  fields: Pick<Ticket, 'nextDueTime' | 'isBreached'>;
  /** Run them once the ticket is stored. */
  statements: TransactionStatement[];
}

/** Adds events to the history of a ticket, whose row is locked. */
export function countEvents(
  ticketId: string,
  kept: KeptTicket | undefined,
  added: readonly SlaEvent[],
  known: SlaDefinitions,
): Counted {
  let state = kept?.state;
  for (const event of added) state = advance(state, event, known);
  if (!state) throw new Error('There is no event.');
  const first = kept?.events ?? 0;
  const events = added.map((event, index) => writeEvent(ticketId, first + index, event));
  const { fields, statements } = store(ticketId, kept, state, first + added.length, known);
  return { fields, statements: [...statements, ...events] };
}

/** Makes what was due until a time have happened. */
export function countUntil(ticketId: string, kept: KeptTicket, toMs: number, known: SlaDefinitions): Counted {
  return store(ticketId, kept, settle(kept.state, toMs, known), kept.events, known);
}

function store(
  ticketId: string,
  kept: KeptTicket | undefined,
  next: SlaState,
  events: number,
  known: SlaDefinitions,
): Counted {
  const state = compacted(next);
  const { timers, statements } = writeTimers(ticketId, kept, next, known);
  const isNeeded = new Set(state.timers.map(timerKey));
  const needed = Object.fromEntries(Object.entries(timers).filter(([key]) => isNeeded.has(key)));
  return {
    fields: fieldsOf(state),
    statements: [
      // A caller with a narrow scope may not see the ticket any more.
      ...(statements.length > 0 ? [beyondScope, ...statements] : []),
      writeKept(ticketId, { state, timers: needed, events }),
      ...momentStatements(ticketId, kept?.state, state),
    ],
  };
}

/** Writes the timers to which something has happened. */
function writeTimers(ticketId: string, kept: KeptTicket | undefined, next: SlaState, known: SlaDefinitions) {
  const before = new Map(
    kept?.state.timers.map((timer) => [timerKey(timer), JSON.stringify(timerContent(ticketId, timer, known))]),
  );
  const timers: Record<string, StoredTimer> = { ...kept?.timers };
  const [created, updated]: [SlaTimer[], SlaTimer[]] = [[], []];
  for (const timer of next.timers) {
    const key = timerKey(timer);
    const content = timerContent(ticketId, timer, known);
    if (before.get(key) === JSON.stringify(content)) continue;
    const stored = timers[key];
    const { id, version } = (timers[key] = stored
      ? { ...stored, version: stored.version + 1 }
      : { id: uuidv7(), version: 1 });
    (stored ? updated : created).push({ ...content, ...standardFields(id, version) });
  }
  const none = new CustomFields([]);
  const statements = [
    ...(created.length > 0 ? [insertRecords(slaTimers, created, none)] : []),
    ...(updated.length > 0 ? [updateRecords(slaTimers, updated, none)] : []),
  ];
  return { timers, statements };
}

function standardFields(id: string, version: number) {
  const { principalId } = currentCaller();
  const now = new Date().toISOString();
  return {
    ...{ id, etag: formatEtag(version), createTime: now, updateTime: now, deleteTime: undefined },
    ...{ createdBy: principalId, updatedBy: principalId },
  };
}

function timerKey({ metric, cycle }: { metric: string; cycle: number }): string {
  return `${metric}/${cycle}`;
}

function fieldsOf({ timers }: SlaState): Counted['fields'] {
  const due = timers.flatMap(({ phase, breachMs, dueMs }) =>
    phase === 'RUNNING' && breachMs === undefined && dueMs !== undefined ? [dueMs] : [],
  );
  return {
    nextDueTime: due.length > 0 ? new Date(Math.min(...due)).toISOString() : undefined,
    isBreached: timers.some(({ breachMs }) => breachMs !== undefined) ? true : undefined,
  };
}

/** Sets the timer of a ticket for what is due next. */
export function momentStatements(
  ticketId: string,
  before: SlaState | undefined,
  after: SlaState,
): TransactionStatement[] {
  const [had, has] = [before && nextMomentMs(before), nextMomentMs(after)];
  const target = { tenantId: currentCaller().tenantId, recordType: 'ticket', recordId: ticketId, purpose: 'sla' };
  if (has === undefined) return had === undefined ? [] : [cancelStatement(target)];
  return had === has ? [] : [timerStatement({ ...target, kind: momentKind, dueTime: new Date(has) })];
}
