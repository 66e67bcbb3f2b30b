import type { CompiledCalendar } from '../calendars/compiled-calendar.js';

export type SlaCategory = 'NEW' | 'OPEN' | 'PENDING' | 'ON_HOLD' | 'SOLVED' | 'CLOSED';
export type SlaPriority = 'LOW' | 'NORMAL' | 'HIGH' | 'URGENT';
export type SlaMetric = 'FIRST_RESPONSE' | 'NEXT_RESPONSE' | 'PERIODIC_UPDATE' | 'RESOLUTION' | 'AGENT_WORK';

/** What a policy promises for one metric. */
export interface SlaTarget {
  metric: SlaMetric;
  /** Absent for the priorities without a target of their own. */
  priority?: SlaPriority | undefined;
  withinMs: number;
  /** Id of the calendar of the business time. Absent for a target in wall-clock time. */
  calendarId?: string | undefined;
  /** Categories in which the timer does not run, besides those in which no timer of the metric does. */
  pauseIn: readonly SlaCategory[];
  /** Whether an answer by a machine counts. */
  countMachine: boolean;
  /** Remaining times, in the time of the target, at which a warning is due. */
  warnBeforeMs: readonly number[];
  /** Whether a reopened ticket keeps the consumed time of the metric. */
  onReopen: 'CONTINUE' | 'RESTART';
}

/** A version of a policy, which never changes. */
export interface SlaPolicyVersion {
  targets: readonly SlaTarget[];
}

/** Where keys of events lead: each to the same content for ever, so that a history has one result. */
export interface SlaDefinitions {
  policy(key: string): SlaPolicyVersion;
  calendar(key: string): CompiledCalendar;
}

export const slaMetrics: readonly SlaMetric[] = [
  'FIRST_RESPONSE',
  'NEXT_RESPONSE',
  'PERIODIC_UPDATE',
  'RESOLUTION',
  'AGENT_WORK',
];

/** The index of the target for a metric and priority: that of the priority, or else the one for all. */
export function targetIndex(policy: SlaPolicyVersion, metric: SlaMetric, priority: SlaPriority): number | undefined {
  const { targets } = policy;
  const own = targets.findIndex((target) => target.metric === metric && target.priority === priority);
  if (own >= 0) return own;
  const general = targets.findIndex((target) => target.metric === metric && target.priority === undefined);
  return general >= 0 ? general : undefined;
}

/** Whether work on a ticket of the category has ended. */
export function isDone(category: SlaCategory): boolean {
  return category === 'SOLVED' || category === 'CLOSED';
}

/** Whether a timer of the target runs in a category. */
export function runsIn({ metric, pauseIn }: SlaTarget, category: SlaCategory): boolean {
  if (isDone(category) || pauseIn.includes(category)) return false;
  return metric !== 'AGENT_WORK' || category === 'NEW' || category === 'OPEN';
}
