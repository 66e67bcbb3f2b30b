import { businessDuration, dueAt } from '../calendars/business-time.js';
import { runsIn, type SlaDefinitions, type SlaTarget } from './sla-policy.js';
import type { SlaState, SlaTimerState } from './sla-state.js';

/** The target by which a timer runs. */
export function targetOf({ policy, target }: Pick<SlaTimerState, 'policy' | 'target'>, known: SlaDefinitions) {
  const found = known.policy(policy).targets[target];
  if (!found) throw new RangeError(`the policy ${policy} has no target ${target}`);
  return found;
}

/** Time of the target between two instants: business time of a calendar, or wall-clock time. */
function durationOf(calendar: string | undefined, known: SlaDefinitions, fromMs: number, toMs: number): number {
  return calendar === undefined ? toMs - fromMs : businessDuration(known.calendar(calendar), fromMs, toMs);
}

/** When a time of the target has passed. One of 0 or less has passed at once. */
function after(
  calendar: string | undefined,
  known: SlaDefinitions,
  fromMs: number,
  restMs: number,
): number | undefined {
  if (restMs <= 0) return fromMs;
  return calendar === undefined ? fromMs + restMs : dueAt(known.calendar(calendar), fromMs, restMs);
}

/** The time that a timer would have consumed by a rule between two instants, by the categories that the ticket had. */
export function measured(
  state: SlaState,
  rule: { target: SlaTarget; calendar: string | undefined },
  known: SlaDefinitions,
  [fromMs, toMs]: readonly [number, number],
): number {
  return state.history.reduce((sum, [startMs, category], index) => {
    const first = Math.max(startMs, fromMs);
    const last = Math.min(state.history[index + 1]?.[0] ?? toMs, toMs);
    return first < last && runsIn(rule.target, category) ? sum + durationOf(rule.calendar, known, first, last) : sum;
  }, 0);
}

/** Sets when a timer that has counted until `nowMs` is due, and its next warning. */
export function withMoments(timer: SlaTimerState, known: SlaDefinitions, nowMs: number): SlaTimerState {
  if (timer.phase === 'ENDED' || timer.breachMs !== undefined) return { ...timer, warningMs: undefined };
  if (timer.phase === 'PAUSED') return { ...timer, dueMs: undefined, warningMs: undefined };
  const { withinMs } = targetOf(timer, known);
  const dueMs = after(timer.calendar, known, nowMs, withinMs - timer.consumedMs);
  const next = warningsOf(timer, known, nowMs, dueMs)[0];
  return { ...timer, dueMs, warningMs: next?.[1] };
}

/** Warnings that are to come, in their order. Each comes before the due time, or not at all. */
function warningsOf(
  { policy, target, calendar, consumedMs, warnings }: SlaTimerState,
  known: SlaDefinitions,
  nowMs: number,
  dueMs: number | undefined,
): [beforeMs: number, timeMs: number][] {
  const { withinMs, warnBeforeMs } = targetOf({ policy, target }, known);
  const isOver = new Set(warnings.map(([beforeMs]) => beforeMs));
  return warnBeforeMs
    .filter((beforeMs) => !isOver.has(beforeMs))
    .toSorted((one, other) => other - one)
    .flatMap((beforeMs) => {
      const timeMs = after(calendar, known, nowMs, withinMs - consumedMs - beforeMs);
      return timeMs !== undefined && timeMs < (dueMs ?? Infinity) ? [[beforeMs, timeMs] as [number, number]] : [];
    });
}

/**
 * Counts until an instant. What is due then or before has happened, at the time at which it was due: an answer at the due time is late.
 */
export function settleTimer(timer: SlaTimerState, known: SlaDefinitions, fromMs: number, toMs: number): SlaTimerState {
  if (timer.phase !== 'RUNNING') return timer;
  const due = timer.breachMs === undefined && timer.dueMs !== undefined && timer.dueMs <= toMs;
  const came =
    timer.warningMs !== undefined && timer.warningMs <= toMs
      ? warningsOf(timer, known, fromMs, timer.dueMs).filter(([, timeMs]) => timeMs <= toMs)
      : [];
  const settled = {
    ...timer,
    consumedMs: timer.consumedMs + durationOf(timer.calendar, known, fromMs, toMs),
    breachMs: due ? timer.dueMs : timer.breachMs,
    warnings: came.length > 0 ? [...timer.warnings, ...came] : timer.warnings,
  };
  return due || came.length > 0 ? withMoments(settled, known, toMs) : settled;
}
