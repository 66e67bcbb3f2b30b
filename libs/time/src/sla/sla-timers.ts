import { isDone, runsIn, slaMetrics, targetIndex, type SlaDefinitions, type SlaMetric } from './sla-policy.js';
import type { SlaChange, SlaEnd, SlaState, SlaTimerState } from './sla-state.js';
import { measured, targetOf, withMoments } from './sla-time.js';

/** Ends timers that a change meets or cancels. */
export function endTimers(state: SlaState, change: SlaChange, cause: string, known: SlaDefinitions): SlaState {
  const endOf = (timer: SlaTimerState): SlaEnd | undefined => {
    if (change.kind === 'STATUS') return isDone(change.category) ? 'SOLVED' : undefined;
    if (change.kind !== 'PUBLIC_REPLY' || !isAnswerable(timer.metric)) return undefined;
    return change.by === 'HUMAN' || targetOf(timer, known).countMachine ? 'ANSWERED' : undefined;
  };
  return { ...state, timers: state.timers.map((timer) => ended(timer, endOf(timer), cause, state.settledMs)) };
}

/** Cancels the timers of a ticket that is merged or deleted. */
export function suspendTimers(state: SlaState, end: SlaEnd, cause: string): SlaState {
  return { ...state, timers: state.timers.map((timer) => ended(timer, end, cause, state.settledMs)) };
}

function isAnswerable(metric: SlaMetric): boolean {
  return metric !== 'RESOLUTION' && metric !== 'AGENT_WORK';
}

function ended(timer: SlaTimerState, end: SlaEnd | undefined, cause: string, endMs: number): SlaTimerState {
  if (end === undefined || timer.phase === 'ENDED') return timer;
  const segments = closed(timer.segments, endMs);
  return { ...timer, phase: 'ENDED', end, endMs, endCause: cause, warningMs: undefined, segments };
}

/** Brings the timers in line with the targets that hold for the ticket now. */
export function applyTargets(state: SlaState, cause: string, known: SlaDefinitions): SlaState {
  const timers = [...state.timers];
  for (const metric of slaMetrics) {
    const index = timers.findLastIndex((timer) => timer.metric === metric);
    const latest = timers[index];
    const next = nextTimer(state, metric, { latest, cause, known });
    if (next === undefined || next === latest) continue;
    if (next.cycle === latest?.cycle) timers[index] = next;
    else timers.push(next);
  }
  return { ...state, timers };
}

interface Context {
  /** The last timer of the metric. */
  latest: SlaTimerState | undefined;
  cause: string;
  known: SlaDefinitions;
}

/** The last timer of the metric from now on. */
function nextTimer(state: SlaState, metric: SlaMetric, context: Context): SlaTimerState | undefined {
  const { latest, cause, known } = context;
  const isLive = latest !== undefined && latest.phase !== 'ENDED';
  const rule = ruleFor(state, metric, known);
  const startMs = rule && spanStart(state, metric, rule, known);
  if (!rule || startMs === undefined) return isLive ? ended(latest, 'NO_TARGET', cause, state.settledMs) : latest;
  const timer = isLive
    ? { ...latest, ...rule }
    : isDone(state.category)
      ? undefined
      : begun(state, startMs, rule, context);
  if (!timer) return latest;
  return entered(timer, latest, state, context);
}

type Rule = Pick<SlaTimerState, 'metric' | 'policy' | 'target' | 'calendar'>;

function ruleFor(state: SlaState, metric: SlaMetric, known: SlaDefinitions): Rule | undefined {
  const { policy, priority, calendars } = state;
  const target = policy === undefined ? undefined : targetIndex(known.policy(policy), metric, priority);
  if (policy === undefined || target === undefined) return undefined;
  const { calendarId } = targetOf({ policy, target }, known);
  const calendar = calendarId === undefined ? undefined : calendars[calendarId];
  if (calendarId !== undefined && calendar === undefined) throw new RangeError(`no version of calendar ${calendarId}`);
  return { metric, policy, target, calendar };
}

/** When the current measurement of the metric began. */
function spanStart(state: SlaState, metric: SlaMetric, rule: Rule, known: SlaDefinitions): number | undefined {
  const { countMachine, onReopen } = targetOf(rule, known);
  const answers = countMachine ? state.any : state.human;
  if (metric === 'NEXT_RESPONSE') return answers.unansweredMs;
  if (metric === 'PERIODIC_UPDATE') return answers.updatedMs;
  if (metric === 'FIRST_RESPONSE' && (answers.hasResponded || answers.awaitedMs === undefined)) return undefined;
  const startMs = metric === 'FIRST_RESPONSE' ? answers.awaitedMs! : state.createdMs;
  return onReopen === 'RESTART' ? Math.max(startMs, state.reopenedMs ?? startMs) : startMs;
}

/**
 * A timer that begins, or goes on from where the one before it ended: when the ticket was solved, or lost its target.
 */
function begun(state: SlaState, startMs: number, rule: Rule, { latest, known }: Context): SlaTimerState {
  const target = targetOf(rule, known);
  const resumed = latest && isResumed(latest, startMs, target.onReopen) ? latest : undefined;
  const measure = { target, calendar: rule.calendar };
  const sinceMs = resumed?.endMs ?? startMs;
  const consumedMs = (resumed?.consumedMs ?? 0) + measured(state, measure, known, [sinceMs, state.settledMs]);
  return {
    ...rule,
    cycle: (latest?.cycle ?? 0) + 1,
    startMs: resumed?.startMs ?? startMs,
    consumedMs,
    phase: 'PAUSED',
    ...(resumed?.breachMs === undefined ? {} : { dueMs: resumed.breachMs, breachMs: resumed.breachMs }),
    warnings: resumed?.warnings ?? [],
    segments: [],
  };
}

function isResumed(latest: SlaTimerState, startMs: number, onReopen: 'CONTINUE' | 'RESTART'): boolean {
  if (latest.end !== 'SOLVED' && latest.end !== 'NO_TARGET') return false;
  if (latest.startMs === startMs) return true;
  const isOfTicket = latest.metric !== 'NEXT_RESPONSE' && latest.metric !== 'PERIODIC_UPDATE';
  return latest.end === 'SOLVED' && isOfTicket && onReopen === 'CONTINUE';
}

/** Begins a segment if the timer has another phase or rule than before. */
function entered(
  timer: SlaTimerState,
  latest: SlaTimerState | undefined,
  state: SlaState,
  { cause, known }: Context,
): SlaTimerState {
  const phase = runsIn(targetOf(timer, known), state.category) ? 'RUNNING' : 'PAUSED';
  const isSame =
    latest?.cycle === timer.cycle &&
    latest.phase === phase &&
    latest.policy === timer.policy &&
    latest.target === timer.target &&
    latest.calendar === timer.calendar;
  if (isSame) return latest;
  const segments = [
    ...closed(timer.segments, state.settledMs),
    { fromMs: state.settledMs, state: phase, consumedMs: timer.consumedMs, cause } as const,
  ];
  return withMoments({ ...timer, phase, segments }, known, state.settledMs);
}

function closed(segments: SlaTimerState['segments'], toMs: number): SlaTimerState['segments'] {
  return segments.map((segment, index) => (index === segments.length - 1 ? { ...segment, toMs } : segment));
}
