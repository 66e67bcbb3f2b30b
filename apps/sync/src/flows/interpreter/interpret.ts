import type { Step } from '@rapport/contracts/rapport/flows/v1/steps';
import type { Json, JsonObject } from '../effects/effect-port.js';
import type { StartValues } from '../runs/new-run.js';
import type { Expressions } from './expressions.js';
import type { StepRow, StepRowChange } from './history.js';
import type { Problem, RunState } from './run-state.js';

/** What a run consists of, besides its state. It never changes. */
export interface RunPlan {
  runId: string;
  steps: readonly Step[];
  values: StartValues;
  expressions: Expressions;
  /** Replaces the expressions of a step with an effect by their values. */
  resolve: (step: Step, evaluate: (text: string) => Json) => JsonObject;
  maxSteps: number;
  /** When the run is too old. */
  maxTime: Date;
}

/** What has happened since the last advance. */
export interface Happenings {
  /** Outcomes of effects, in the order in which they came. */
  outcomes?: readonly StepOutcome[];
  /** Events that no step has taken yet, in the order in which they came. */
  events?: readonly StoredEvent[];
}

/** The outcome of an effect, or of business time. */
export interface StepOutcome {
  /** Of the row in the history. */
  number: number;
  result: { output: JsonObject; undo?: JsonObject } | { problem: Problem; kind: 'PASSING' | 'FINAL' | 'UNCERTAIN' };
}

export interface StoredEvent {
  number: string;
  /** Key of a `listen`, path of another step. */
  target: string;
  eventKey: string;
  time: string;
  data: JsonObject;
}

/** An approval that a step has asked for. */
export interface WantedApproval {
  path: string;
  step: Step;
  question: string;
  dueTime: string;
}

/** What a run does next, and what to store with it. */
export interface Advance {
  state: RunState;
  /** RUNNING: a step is ready, or an effect is to be performed. */
  status: 'RUNNING' | 'WAITING' | 'SUCCEEDED' | 'FAILED' | 'UNCERTAIN';
  /** Rows of the history that are new. */
  made: StepRow[];
  /** Changes of rows that are stored. */
  changed: StepRowChange[];
  approvals: WantedApproval[];
  /** Paths of approvals whose decision is not needed any more. */
  closedApprovals: string[];
  /** Steps `listen` since STEP_START that have begun. */
  openedListens: Step[];
  /** Keys of steps `listen` that will not begin again. */
  closedListens: string[];
  /** Numbers of the events that steps have taken. */
  takenEvents: string[];
  /** When it continues at the latest, if it waits. */
  wake: Date | undefined;
  /** Path of the step that the run waits at, or has stopped at. */
  waitingFor: string | undefined;
}
