import type { Json, JsonObject } from '../effects/effect-port.js';

/** What a run knows between two steps. It is stored as JSON. */
export interface RunState {
  /** Variables of steps `set`. */
  vars: Record<string, Json>;
  /** Outputs of steps by their keys. */
  outputs: Record<string, Json>;
  /** Where the run is: one in each branch that has not ended. */
  tokens: Token[];
  /** Steps that have begun and contain steps, by their paths. */
  frames: Record<string, Frame>;
  /** Number of steps that have started, those in loops counted each time. */
  stepCount: number;
  /** Number of rows of the history: each attempt of a step has one. */
  rowCount: number;
  /** Why the run has stopped. */
  problem?: Problem;
  /** Effects that could not be undone. */
  notUndone?: Problem[];
  /** Attempts to undo the effect whose turn it is. */
  undoAttempts?: number;
}

export interface Problem {
  /** In upper snake case. */
  code: string;
  message: string;
  /** Path of the step. */
  step?: string;
  /** Whether the step may have had its effect: its last attempt has no outcome either. */
  isUnknown?: boolean;
}

/** A step that is next or under way. */
export interface Token {
  path: string;
  phase: TokenPhase;
  /** From 1. */
  attempt: number;
  /** Of its row in the history; absent before it starts. */
  number?: number;
  /** When it continues at the latest, in RFC 3339. */
  wake?: string;
  /** Of an effect: the same in each attempt, since expressions such as `now` would change it. */
  input?: JsonObject;
  /** Why its last attempt failed, while the next one is waited for or under way. */
  problem?: Problem;
}

/**
 * - READY: it starts, or is attempted again, in the next advance.
 * - EFFECT: its effect is performed outside the transaction. CLOCK: likewise the end of business time.
 * - RETRY: its next attempt waits for `wake`.
 * - WAIT, LISTEN, APPROVE, CHILD: it waits.
 * - START_CHILD: the run that it starts is started in the same transaction.
 * - STOPPED: it has failed. UNCERTAIN: it is not known whether it had its effect.
 */
export type TokenPhase =
  | 'READY'
  | 'EFFECT'
  | 'CLOCK'
  | 'RETRY'
  | 'WAIT'
  | 'LISTEN'
  | 'APPROVE'
  | 'START_CHILD'
  | 'CHILD'
  | 'STOPPED'
  | 'UNCERTAIN';

/** A step that contains steps. */
export interface Frame {
  /** Of its row in the history. */
  number: number;
  /** Of a `for`. */
  items?: readonly Json[];
  /** Number of branches of a `fork` that have not ended. */
  open?: number;
  /** Of a `try` whose steps have failed: what `catch` reads. */
  error?: Problem;
}

export function initialState(): RunState {
  return {
    ...{ vars: {}, outputs: {}, frames: {}, stepCount: 0, rowCount: 0 },
    tokens: [{ path: 'steps/0', phase: 'READY', attempt: 1 }],
  };
}
