import type { SlaCategory, SlaMetric, SlaPriority } from './sla-policy.js';

/** What happened to a ticket. */
export type SlaChange =
  | { kind: 'CREATED'; category: SlaCategory; priority: SlaPriority; by: 'CUSTOMER' | 'AGENT' }
  | { kind: 'STATUS'; category: SlaCategory }
  | { kind: 'PRIORITY'; priority: SlaPriority }
  /** Another policy, or none. `policy` is the key of a version. */
  | { kind: 'POLICY'; policy?: string | undefined }
  /** Keys of the versions of calendars from now on, by the ids that targets have. */
  | { kind: 'CALENDARS'; calendars: Readonly<Record<string, string>> }
  | { kind: 'CUSTOMER_MESSAGE' }
  | { kind: 'PUBLIC_REPLY'; by: 'HUMAN' | 'MACHINE' }
  | { kind: SuspendingKind | 'UNMERGED' | 'UNDELETED' };

/** What ends the timers of a ticket until it is undone. */
export type SuspendingKind = 'MERGED' | 'DELETED';

/** The changes of one write, in their order. The first event of a ticket begins with CREATED. */
export interface SlaEvent {
  /** Names the event as a cause. */
  id: string;
  timeMs: number;
  changes: readonly SlaChange[];
}

/** A time in which a timer ran or was paused by one rule. */
export interface SlaSegment {
  fromMs: number;
  /** Absent for the segment in which a timer is. */
  toMs?: number | undefined;
  state: 'RUNNING' | 'PAUSED';
  /** What was consumed when it began. */
  consumedMs: number;
  /** Id of the event that began it. */
  cause: string;
}

/** Why a timer ended: it was answered, the ticket was solved, or nothing is promised any more. */
export type SlaEnd = 'ANSWERED' | 'SOLVED' | 'NO_TARGET' | SuspendingKind;

export interface SlaTimerState {
  metric: SlaMetric;
  /** The number of the timer among those of the metric, from 1. */
  cycle: number;
  /** The rule by which it runs: a version of a policy, the target in it, and the version of the calendar. */
  policy: string;
  target: number;
  calendar?: string | undefined;
  startMs: number;
  /** Until `settledMs` of the state, or until its end. */
  consumedMs: number;
  phase: 'RUNNING' | 'PAUSED' | 'ENDED';
  /** When it is or was due. Absent while it is paused, and if its calendar has no such time. */
  dueMs?: number | undefined;
  /** When the next warning is due. */
  warningMs?: number | undefined;
  breachMs?: number | undefined;
  endMs?: number | undefined;
  end?: SlaEnd | undefined;
  /** Cause of the end. */
  endCause?: string | undefined;
  /** Warnings that were due: the remaining time of each, and when. */
  warnings: readonly (readonly [beforeMs: number, timeMs: number])[];
  segments: readonly SlaSegment[];
}

/** What is owed to the customer if some answers count. */
export interface SlaAnswers {
  /** Since when the first response is owed. */
  awaitedMs?: number | undefined;
  hasResponded: boolean;
  /** The oldest unanswered message after the first response. */
  unansweredMs?: number | undefined;
  /** The latest public reply. */
  updatedMs?: number | undefined;
}

/** The timers of a ticket, and what later events need of its past. A JSON value. */
export interface SlaState {
  /** The time until which all is counted. */
  settledMs: number;
  createdMs: number;
  reopenedMs?: number | undefined;
  category: SlaCategory;
  priority: SlaPriority;
  policy?: string | undefined;
  calendars: Readonly<Record<string, string>>;
  /** Categories with their starts. */
  history: readonly (readonly [fromMs: number, category: SlaCategory])[];
  /** If answers of humans count. */
  human: SlaAnswers;
  /** If all answers count. */
  any: SlaAnswers;
  timers: readonly SlaTimerState[];
  suspended?: { by: SuspendingKind; before: SlaState; pending: readonly SlaEvent[] } | undefined;
}
