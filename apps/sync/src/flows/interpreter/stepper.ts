import { ForkMode, type Step } from '@rapport/contracts/rapport/flows/v1/steps';
import type { Json, JsonObject } from '../effects/effect-port.js';
import { beginStep } from './begin-step.js';
import { StepError } from './step-error.js';
import { History } from './history.js';
import type { Advance, Happenings, RunPlan, StepOutcome, StoredEvent, WantedApproval } from './interpret.js';
import { KeptValues, maxKeptLength } from './kept-values.js';
import { applyOutcomes } from './outcomes.js';
import type { Problem, RunState, Token } from './run-state.js';
import { catcherOf, isInLoop, isWithin, pathIn, scopeOf } from './run-paths.js';
import { placedStep } from './step-tree.js';
import type { Stepping } from './stepping.js';
import { takeEvents, wakeDue } from './wake-waits.js';

/** Most steps of one advance, so that no transaction is long. */
const maxStepsAtOnce = 200;

const tooMuch = {
  code: 'RUN_TOO_LARGE',
  message: `Variables and outputs of the run have more than ${maxKeptLength} characters.`,
};

/**
 * One advance of a run: applies what has happened, and follows the steps until each branch waits. It has no I/O, so dry
 * runs use it too; what it asks for is in `Advance`.
 */
export class Stepper implements Stepping {
  readonly state: RunState;
  readonly history: History;
  readonly approvals: WantedApproval[] = [];
  readonly #closedApprovals: string[] = [];
  readonly #openedListens: Step[] = [];
  readonly #closedListens = new Set<string>();
  readonly taken: string[] = [];
  #steps = 0;
  readonly #kept: KeptValues;

  /** @param state is copied */
  constructor(
    readonly plan: RunPlan,
    state: RunState,
    readonly now: Date,
  ) {
    this.state = structuredClone(state);
    this.history = new History(this.state, now);
    this.#kept = new KeptValues(this.state);
  }

  /** Applies outcomes, events and times, and follows the steps. */
  advance({ outcomes = [], events = [] }: Happenings): this {
    this.noteOutcomes(outcomes);
    const [first] = this.state.tokens;
    const isOld = this.now >= this.plan.maxTime;
    if (first && isOld && !this.#isStopped) this.#stop(first, { code: 'RUN_TOO_OLD', message: 'The run is too old.' });
    this.follow(events);
    return this;
  }

  /** Applies outcomes, and goes no further. */
  noteOutcomes(outcomes: readonly StepOutcome[]): this {
    applyOutcomes(this, outcomes);
    return this;
  }

  /** Steps whose runs are to be started. */
  get children(): Token[] {
    return this.#isStopped ? [] : this.state.tokens.filter(({ phase }) => phase === 'START_CHILD');
  }

  /** Follows the steps until each branch waits, or starts a run. */
  follow(events: readonly StoredEvent[] = []): void {
    if (this.#isStopped) return;
    takeEvents(this, events);
    wakeDue(this);
    for (;;) {
      const token = this.state.tokens.find(({ phase }) => phase === 'READY');
      if (!token || this.#isStopped || this.#steps >= maxStepsAtOnce) return;
      this.#steps += 1;
      this.#start(token);
      if (token.phase === 'LISTEN') takeEvents(this, events);
    }
  }

  get result(): Advance {
    const status = this.#status;
    if (status === 'FAILED' || status === 'UNCERTAIN') this.#holdBack();
    const waiting = this.state.tokens.filter(({ wake }) => wake !== undefined);
    const times = waiting.map(({ wake }) => Date.parse(wake ?? ''));
    const wake = new Date(Math.min(this.plan.maxTime.getTime(), ...times));
    const first = this.#firstWaiting;
    return {
      ...{ state: this.state, status, made: this.history.made, changed: this.history.changed },
      ...{ approvals: this.approvals, closedApprovals: this.#closedApprovals, takenEvents: this.taken },
      ...{ openedListens: this.#openedListens, closedListens: [...this.#closedListens] },
      wake: status === 'WAITING' ? wake : undefined,
      waitingFor: status === 'RUNNING' || status === 'SUCCEEDED' ? undefined : first?.path,
    };
  }

  /** The value of an expression of a step. */
  value(path: string, text: string): Json {
    return this.plan.expressions.value(text, this.scope(path));
  }

  scope(path: string) {
    return scopeOf(this.plan, this.state, path, this.now);
  }

  stepAt(path: string): Step {
    return placedStep(this.plan.steps, path).step;
  }

  /** The run that a step has started; or why it has not. */
  childStarted(token: Token, outcome: { runId: string } | Omit<Problem, 'step'>): void {
    if (!('runId' in outcome)) this.fail(token, outcome);
    else if (this.stepAt(token.path).run?.waits) this.#awaitChild(token);
    else this.complete(token, { runId: outcome.runId });
  }

  #awaitChild(token: Token): void {
    token.phase = 'CHILD';
    delete token.input;
  }

  /** @throws StepError if the run keeps too much then */
  setVariable(name: string, value: Json): void {
    if (!this.#kept.note(`vars.${name}`, value)) throw new StepError(tooMuch.code, tooMuch.message);
    this.state.vars[name] = value;
  }

  /** Ends a step, and goes to the next one. */
  complete(token: Token, output?: JsonObject, undo?: JsonObject): void {
    const { step } = placedStep(this.plan.steps, token.path);
    if (output && !this.#kept.note(`steps.${step.key}`, output)) {
      this.#kept.note(`steps.${step.key}`, undefined);
      if (undo) this.history.change(token.number ?? 0, { undo });
      this.#stop(token, tooMuch);
      return;
    }
    if (output) this.state.outputs[step.key] = output;
    this.#end(token, { state: 'SUCCEEDED', ...(output && { output }), ...(undo && { undo }) });
    this.#goOn(token.path);
  }

  skip(token: Token): void {
    this.#end(token, { state: 'SKIPPED' });
    this.#goOn(token.path);
  }

  /** A step with steps has begun: its frame takes the place of its token. */
  enter(token: Token, frame: Partial<RunState['frames'][string]>, first: readonly string[]): void {
    if (!this.#kept.note(token.path, frame.items)) throw new StepError(tooMuch.code, tooMuch.message);
    this.#remove(token);
    this.state.frames[token.path] = { number: token.number ?? 0, ...frame };
    this.#push(first);
  }

  /** Fails a step: a `try` around it catches that, or the run stops. */
  fail(token: Token, problem: Omit<Problem, 'step'>): void {
    const named = { ...problem, step: token.path };
    const catcher = catcherOf(this.plan.steps, token.path);
    if (!catcher) {
      this.#stop(token, problem);
      return;
    }
    this.#end(token, { state: 'FAILED', problem: named });
    this.#abandon(catcher.listPath, 'FAILED');
    const frame = this.state.frames[catcher.path];
    if (frame) frame.error = named;
    if ((catcher.step.try?.catch.length ?? 0) > 0) this.#push([`${catcher.path}/try/catch/0`]);
    else this.#leave(catcher.path);
  }

  /** Effects of other branches of a run that stops begin when it continues. */
  #holdBack(): void {
    const made = new Set(this.history.made.map(({ number }) => number));
    for (const token of this.state.tokens) {
      if (!['EFFECT', 'CLOCK', 'START_CHILD'].includes(token.phase) || !made.has(token.number ?? 0)) continue;
      this.history.end(token.number ?? 0, { state: 'CANCELLED' });
      token.phase = 'READY';
    }
  }

  openListen(step: Step): void {
    this.#openedListens.push(step);
  }

  #start(token: Token): void {
    const { step } = placedStep(this.plan.steps, token.path);
    if (token.attempt === 1) this.state.stepCount += 1;
    if (this.state.stepCount > this.plan.maxSteps) {
      const message = `The run has more than ${this.plan.maxSteps} steps.`;
      this.#stop(token, { code: 'TOO_MANY_STEPS', message });
      return;
    }
    token.number = this.history.start(step, token.path, token.attempt);
    const isMet =
      token.attempt > 1 ||
      step.condition === undefined ||
      this.plan.expressions.isTrue(step.condition, this.scope(token.path));
    if (isMet) beginStep(this, token, step);
    else this.skip(token);
  }

  /** Stops the run at a step, past each `try`. */
  #stop(token: Token, problem: Omit<Problem, 'step'>): void {
    token.phase = 'STOPPED';
    delete token.wake;
    const named = { ...problem, step: token.path };
    this.state.problem = named;
    if (token.number !== undefined) this.history.end(token.number, { state: 'FAILED', problem: named });
  }

  #end(token: Token, change: Parameters<History['end']>[1]): void {
    this.#remove(token);
    if (token.number !== undefined) this.history.end(token.number, change);
    if (token.phase === 'LISTEN') this.#closeListen(token.path);
    if (token.phase === 'APPROVE') this.#closedApprovals.push(token.path);
  }

  #closeListen(path: string): void {
    const { step } = placedStep(this.plan.steps, path);
    if (!isInLoop(this.plan.steps, path)) this.#closedListens.add(step.key);
  }

  /** After a step: the next one of its list, or the end of the list. */
  #goOn(path: string): void {
    const { listPath, index, count, iteration, parentPath } = placedStep(this.plan.steps, path);
    if (index + 1 < count) this.#push([pathIn(listPath, index + 1, iteration)]);
    else if (parentPath !== undefined) this.#listEnded(parentPath, listPath, iteration);
  }

  #listEnded(parentPath: string, listPath: string, iteration: number | undefined): void {
    const { step } = placedStep(this.plan.steps, parentPath);
    const frame = this.state.frames[parentPath];
    if (!frame) throw new Error(`The step ${parentPath} has not begun.`);
    if (step.for && iteration !== undefined && iteration + 1 < (frame.items?.length ?? 0)) {
      this.#push([pathIn(listPath, 0, iteration + 1)]);
      return;
    }
    if (step.fork) {
      frame.open = (frame.open ?? 1) - 1;
      if (step.fork.mode === ForkMode.ANY) this.#abandon(`${parentPath}/fork`, 'CANCELLED');
      else if (frame.open > 0) return;
    }
    const count = frame.items?.length;
    this.#leave(parentPath, count === undefined ? undefined : { count });
  }

  /** A step with steps has ended. */
  #leave(path: string, output?: JsonObject): void {
    const { step } = placedStep(this.plan.steps, path);
    const frame = this.state.frames[path];
    delete this.state.frames[path];
    this.#kept.note(path, undefined);
    if (output) this.state.outputs[step.key] = output;
    if (frame) this.history.end(frame.number, { state: 'SUCCEEDED', ...(output && { output }) });
    this.#goOn(path);
  }

  /** Ends all steps within a path. An effect that is under way is noted in the history when its outcome comes. */
  #abandon(outer: string, frames: 'FAILED' | 'CANCELLED'): void {
    for (const token of this.state.tokens.filter(({ path }) => isWithin(path, outer))) {
      this.#end(token, { state: 'CANCELLED' });
    }
    for (const [path, { number }] of Object.entries(this.state.frames)) {
      if (!isWithin(path, outer)) continue;
      delete this.state.frames[path];
      this.history.end(number, { state: frames });
    }
  }

  #push(paths: readonly string[]): void {
    for (const path of paths) this.state.tokens.push({ path, phase: 'READY', attempt: 1 });
  }

  #remove(token: Token): void {
    this.state.tokens = this.state.tokens.filter((other) => other !== token);
  }

  get #isStopped(): boolean {
    return this.state.tokens.some(({ phase }) => phase === 'STOPPED' || phase === 'UNCERTAIN');
  }

  get #firstWaiting(): Token | undefined {
    const { tokens } = this.state;
    return (
      tokens.find(({ phase }) => phase === 'STOPPED') ?? tokens.find(({ phase }) => phase === 'UNCERTAIN') ?? tokens[0]
    );
  }

  get #status(): Advance['status'] {
    const phases = new Set(this.state.tokens.map(({ phase }) => phase));
    if (phases.has('STOPPED')) return 'FAILED';
    if (phases.has('UNCERTAIN')) return 'UNCERTAIN';
    if (phases.size === 0) return 'SUCCEEDED';
    const isDue = ['READY', 'EFFECT', 'CLOCK', 'START_CHILD'] as const;
    return isDue.some((phase) => phases.has(phase)) ? 'RUNNING' : 'WAITING';
  }
}
