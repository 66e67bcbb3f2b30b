import type { Step } from '@rapport/contracts/rapport/flows/v1/steps';
import type { Json, JsonObject } from '../effects/effect-port.js';
import type { Scope } from './expressions.js';
import type { History } from './history.js';
import type { RunPlan, WantedApproval } from './interpret.js';
import type { Frame, Problem, RunState, Token } from './run-state.js';

/** An advance of a run in progress, as what begins and ends steps sees it. */
export interface Stepping {
  readonly plan: RunPlan;
  readonly state: RunState;
  readonly now: Date;
  readonly history: History;
  readonly approvals: WantedApproval[];
  /** Numbers of the events that steps have taken. */
  readonly taken: string[];
  stepAt(path: string): Step;
  /** The value of an expression of a step. */
  value(path: string, text: string): Json;
  scope(path: string): Scope;
  /** @throws StepError if the run keeps too much then */
  setVariable(name: string, value: Json): void;
  /** Ends a step, and goes to the next one. */
  complete(token: Token, output?: JsonObject, undo?: JsonObject): void;
  /** A step with steps has begun: its frame takes the place of its token. */
  enter(token: Token, frame: Partial<Frame>, first: readonly string[]): void;
  /** Fails a step: a `try` around it catches that, or the run stops. */
  fail(token: Token, problem: Omit<Problem, 'step'>): void;
  /** A step `listen` has begun. */
  openListen(step: Step): void;
}
