import type { SlaDefinitions } from './sla-policy.js';
import { createdState, withFacts } from './sla-facts.js';
import type { SlaChange, SlaEvent, SlaState, SlaTimerState, SuspendingKind } from './sla-state.js';
import { settleTimer } from './sla-time.js';
import { applyTargets, endTimers, suspendTimers } from './sla-timers.js';

/**
 * The timers of a ticket after an event. Pure, and a history has one result, however often it is counted in between.
 *
 * - FIRST_RESPONSE runs from the creation, or from the first message of the customer if an agent opened the ticket, until a public
 *   reply. NEXT_RESPONSE runs from the oldest unanswered message after that one until a public reply, PERIODIC_UPDATE from each
 *   public reply until the next, RESOLUTION and AGENT_WORK from the creation until the ticket is solved.
 * - A solution cancels the first three. A reopened ticket continues with the others and with an owed first response: a new timer has
 *   the consumed time, the breach and the warnings of the one before it (CONTINUE), or starts anew (RESTART).
 * - A paused timer consumes nothing. Another target, policy or calendar leaves the consumed time as it is, and rules from then on.
 *   A breach remains, and so does what has ended. A timer without a target is cancelled.
 * - What begins to be promised later counts from the start of the metric, by the rule of then, but is due at the earliest then.
 * - A timer is breached if it runs at its due time: an answer at that time is late.
 * - A merge or deletion cancels the timers. Undone, it leaves them as though it had not happened.
 *
 * @param state undefined before the first event. An event with a time before that of the state happens at the time of the state
 * @throws Error if the first change of a ticket is not its creation
 */
export function advance(state: SlaState | undefined, event: SlaEvent, known: SlaDefinitions): SlaState {
  const { id, changes } = event;
  if (!state) {
    const [first, ...rest] = changes;
    if (first?.kind !== 'CREATED') throw new Error('The history of a ticket begins with its creation.');
    return changed(createdState(first, event.timeMs), { ...event, changes: rest }, known);
  }
  const timeMs = Math.max(event.timeMs, state.settledMs);
  if (state.suspended) return whileSuspended(state, { id, timeMs, changes }, known);
  return changed(settle(state, timeMs, known), { id, timeMs, changes }, known);
}

/** The timers at a time without events: warnings and breaches until then have happened, at the times at which they were due. */
export function settle(state: SlaState, toMs: number, known: SlaDefinitions): SlaState {
  if (toMs < state.settledMs) return state;
  const timers = state.suspended
    ? state.timers
    : state.timers.map((timer) => settleTimer(timer, known, state.settledMs, toMs));
  return { ...state, settledMs: toMs, timers };
}

/** What later events need of a state: the timers that have not ended, and the last one of each metric. */
export function compacted(state: SlaState): SlaState {
  const isNeeded = ({ metric, phase }: SlaTimerState, index: number) =>
    phase !== 'ENDED' || !state.timers.some((timer, place) => place > index && timer.metric === metric);
  const timers = state.timers.filter(isNeeded);
  return { ...state, timers: timers.map((timer) => ({ ...timer, segments: timer.segments.slice(-keptSegments) })) };
}

/** Segments of a timer that are kept. */
const keptSegments = 100;

/** When the timers change next without an event. */
export function nextMomentMs({ timers }: SlaState): number | undefined {
  const times = timers.flatMap(({ phase, breachMs, dueMs, warningMs }) =>
    phase === 'RUNNING' && breachMs === undefined ? [dueMs ?? Infinity, warningMs ?? Infinity] : [],
  );
  const next = Math.min(...times);
  return Number.isFinite(next) ? next : undefined;
}

function changed(state: SlaState, event: SlaEvent, known: SlaDefinitions): SlaState {
  const { id, timeMs, changes } = event;
  const index = changes.findIndex(isSuspending);
  const until = index < 0 ? changes : changes.slice(0, index);
  let next = state;
  for (const change of until) next = withFacts(endTimers(next, change, id, known), change, timeMs);
  next = applyTargets(next, id, known);
  const suspending = changes[index];
  if (!suspending || !isSuspending(suspending)) return next;
  const rest = changes.slice(index + 1);
  const pending = rest.length > 0 ? [{ id, timeMs, changes: rest }] : [];
  const { kind: by } = suspending;
  return { ...suspendTimers(next, by, id), suspended: { by, before: next, pending } };
}

function isSuspending(change: SlaChange): change is { kind: SuspendingKind } {
  return change.kind === 'MERGED' || change.kind === 'DELETED';
}

/** Events of a merged or deleted ticket take effect when that is undone. */
function whileSuspended(state: SlaState, event: SlaEvent, known: SlaDefinitions): SlaState {
  const { by, before, pending } = state.suspended!;
  const undoing = by === 'MERGED' ? 'UNMERGED' : 'UNDELETED';
  const index = event.changes.findIndex(({ kind }) => kind === undoing);
  if (index < 0) {
    return { ...settle(state, event.timeMs, known), suspended: { by, before, pending: [...pending, event] } };
  }
  const changes = event.changes.filter((_, place) => place !== index);
  return [...pending, { ...event, changes }].reduce((restored, each) => advance(restored, each, known), before);
}
