import { SlaClock, SlaMetric } from '@rapport/contracts/rapport/support/v1/sla_policy';
import { SlaTimerEnd, SlaTimerState, type SlaTimer } from '@rapport/contracts/rapport/support/v1/sla_timer';
import { SlaTimersServiceService } from '@rapport/contracts/rapport/support/v1/sla_timers_service';
import type { SlaDefinitions, SlaTimerState as TimerState } from '@rapport/time';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';
import { readKey } from './policy-content.js';

/** The times of promises for tickets. Retained as long as their tickets, unlike the change log. */
export const slaTimers = defineRecord<SlaTimer>('rapport/SlaTimer', SlaTimersServiceService, { indexVersion: 1 });

export const SlaTimersController = recordController(slaTimers, SlaTimersServiceService);

/** What a timer shows, without the fields that all records have. */
export type TimerContent = Omit<
  SlaTimer,
  'id' | 'etag' | 'createTime' | 'updateTime' | 'deleteTime' | 'createdBy' | 'updatedBy'
>;

/** Equal unless something happened to the timer: time that passes changes nothing. */
export function timerContent(ticketId: string, timer: TimerState, known: SlaDefinitions): TimerContent {
  const { metric, cycle, phase, startMs, dueMs, breachMs, endMs, end, endCause, segments, warnings } = timer;
  const { id: policyId, version: policyVersion } = readKey(timer.policy);
  const { withinMs, calendarId } = known.policy(timer.policy).targets[timer.target]!;
  const consumedMs = endMs === undefined ? (segments.at(-1)?.consumedMs ?? 0) : timer.consumedMs;
  const state = stateOf(timer);
  return {
    ...{ ticketId, policyId, policyVersion, metric: SlaMetric[metric], cycle, state, live: phase !== 'ENDED' },
    ...{ startTime: time(startMs), dueTime: time(dueMs), withinSeconds: withinMs / 1_000 },
    ...{ clock: calendarId === undefined ? SlaClock.WALL : SlaClock.BUSINESS, calendarId },
    consumedSeconds: Math.floor(consumedMs / 1_000),
    remainingSeconds: Math.max(0, Math.ceil((withinMs - consumedMs) / 1_000)),
    segments: segments.map((segment) => ({
      ...{ fromTime: time(segment.fromMs), toTime: time(segment.toMs), cause: segment.cause },
      state: SlaTimerState[segment.state],
    })),
    warnings: warnings.map(([beforeMs, timeMs]) => ({ beforeSeconds: beforeMs / 1_000, time: time(timeMs) })),
    ...{ breachTime: time(breachMs), metTime: isMet(timer) ? time(endMs) : undefined, endTime: time(endMs) },
    ...{ endReason: end === undefined ? SlaTimerEnd.UNSPECIFIED : SlaTimerEnd[end], endCause },
  };
}

/** A solution meets what it is measured by, and cancels the others. */
export function isMet({ metric, end }: TimerState): boolean {
  return end === 'ANSWERED' || (end === 'SOLVED' && (metric === 'RESOLUTION' || metric === 'AGENT_WORK'));
}

function stateOf(timer: TimerState): SlaTimerState {
  if (timer.breachMs !== undefined) return SlaTimerState.BREACHED;
  if (timer.phase !== 'ENDED') return SlaTimerState[timer.phase];
  return isMet(timer) ? SlaTimerState.MET : SlaTimerState.CANCELLED;
}

function time(timeMs: number | undefined): string | undefined {
  return timeMs === undefined ? undefined : new Date(timeMs).toISOString();
}
