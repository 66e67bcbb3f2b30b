import { createHash } from 'node:crypto';
import { ExpressionError } from '@rapport/contracts/expressions';
import type {
  ApproveStep,
  ForStep,
  ListenStep,
  Step,
  SwitchStep,
  WaitStep,
} from '@rapport/contracts/rapport/flows/v1/steps';
import { EffectError, type Json, type JsonObject } from '../effects/effect-port.js';
import type { Token } from './run-state.js';
import { StepError } from './step-error.js';
import type { Stepping } from './stepping.js';

const secondMs = 1_000;
const monthSeconds = 30 * 86_400;
const defaultListLimit = 100;

/** Longest path in an effect key, which is an `Idempotency-Key` of at most 200 characters. */
const maxKeyPath = 100;

/** Begins a step whose condition is met: it ends at once, waits, or is to have its effect. */
export function beginStep(stepper: Stepping, token: Token, step: Step): void {
  try {
    if (!beginPure(stepper, token, step) && !beginWait(stepper, token, step)) beginEffect(stepper, token, step);
  } catch (error) {
    if (error instanceof ExpressionError) {
      stepper.fail(token, { code: 'EXPRESSION_FAILED', message: error.message });
    } else if (error instanceof StepError || error instanceof EffectError) {
      stepper.fail(token, { code: error.code, message: error.message });
    } else {
      throw error;
    }
  }
}

/** @returns false for a step of another kind */
function beginPure(stepper: Stepping, token: Token, step: Step): boolean {
  const { path } = token;
  if (step.set) {
    const { variables } = step.set;
    for (const { name, value } of variables) stepper.setVariable(name, stepper.value(path, value));
    stepper.complete(token, Object.fromEntries(variables.map(({ name }) => [name, stepper.state.vars[name] ?? null])));
  } else if (step.switch) {
    choose(stepper, token, step.switch);
  } else if (step.for) {
    repeat(stepper, token, step.for);
  } else if (step.fork) {
    const { branches } = step.fork;
    const first = branches.map((_, index) => `${path}/fork/branches/${index}/steps/0`);
    stepper.enter(token, { open: branches.length }, first);
  } else if (step.do) {
    stepper.enter(token, {}, [`${path}/do/steps/0`]);
  } else if (step.try) {
    stepper.enter(token, {}, [`${path}/try/steps/0`]);
  } else if (step.raise) {
    const { code, message } = step.raise;
    throw new StepError(code, message === undefined ? code : text(stepper.value(path, message)));
  } else {
    return false;
  }
  return true;
}

function choose(stepper: Stepping, token: Token, { cases, otherwise }: SwitchStep): void {
  const scope = stepper.scope(token.path);
  const index = cases.findIndex(({ condition }) => stepper.plan.expressions.isTrue(condition, scope));
  const steps = cases[index]?.steps ?? otherwise;
  const list = index === -1 ? 'otherwise' : `cases/${index}/steps`;
  if (steps.length === 0) stepper.complete(token);
  else stepper.enter(token, {}, [`${token.path}/switch/${list}/0`]);
}

function repeat(stepper: Stepping, token: Token, { in: list, limit = defaultListLimit }: ForStep): void {
  const items: Json = stepper.value(token.path, list);
  if (!Array.isArray(items)) throw new StepError('NOT_A_LIST', 'The value of `in` is not a list.');
  if (items.length > limit) throw new StepError('LIST_TOO_LONG', `The list has ${items.length} items, not ${limit}.`);
  if (items.length === 0) stepper.complete(token, { count: 0 });
  else stepper.enter(token, { items: items as readonly Json[] }, [`${token.path}/for/steps/0[0]`]);
}

/** @returns false for a step of another kind */
function beginWait(stepper: Stepping, token: Token, step: Step): boolean {
  if (step.wait) waitFor(stepper, token, step.wait);
  else if (step.listen) listen(stepper, token, step, step.listen);
  else if (step.approve) approve(stepper, token, step.approve);
  else if (step.run) {
    const inputs = step.run.inputs.map(({ name, value }) => [name, stepper.value(token.path, value)] as const);
    wait(stepper, token, { phase: 'START_CHILD', input: Object.fromEntries(inputs) });
  } else return false;
  return true;
}

function waitFor(stepper: Stepping, token: Token, { seconds, calendarId, until }: WaitStep): void {
  if (until !== undefined) {
    const value = stepper.value(token.path, until);
    const time = typeof value === 'string' ? Date.parse(value) : NaN;
    if (Number.isNaN(time)) throw new StepError('BAD_TIME', 'The value of `until` is not a time.');
    waitUntil(stepper, token, new Date(time));
  } else if (calendarId === undefined) {
    waitUntil(stepper, token, after(stepper.now, seconds ?? 0));
  } else {
    askClock(stepper, token, { calendarId, seconds: seconds ?? 0 });
  }
}

/** Waits until a time; ends at once if it is past. */
export function waitUntil(stepper: Stepping, token: Token, time: Date): void {
  const wake = time.toISOString();
  if (time <= stepper.now) stepper.complete(token, { time: wake });
  else wait(stepper, token, { phase: 'WAIT', wake });
}

function listen(stepper: Stepping, token: Token, step: Step, { timeoutSeconds = monthSeconds }: ListenStep): void {
  stepper.openListen(step);
  wait(stepper, token, { phase: 'LISTEN', wake: after(stepper.now, timeoutSeconds).toISOString() });
}

function approve(stepper: Stepping, token: Token, { calendarId, dueInSeconds = monthSeconds }: ApproveStep): void {
  if (calendarId === undefined) openApproval(stepper, token, after(stepper.now, dueInSeconds));
  else askClock(stepper, token, { calendarId, seconds: dueInSeconds });
}

/** Asks people, until a time. */
export function openApproval(stepper: Stepping, token: Token, time: Date): void {
  const step = stepper.stepAt(token.path);
  const question = text(stepper.value(token.path, step.approve?.question ?? ''));
  const dueTime = time.toISOString();
  stepper.approvals.push({ path: token.path, step, question, dueTime });
  wait(stepper, token, { phase: 'APPROVE', wake: dueTime });
  stepper.history.change(token.number ?? 0, { input: { question, dueTime } });
}

function askClock(stepper: Stepping, token: Token, question: { calendarId: string; seconds: number }): void {
  token.phase = 'CLOCK';
  token.input = { ...question, from: stepper.now.toISOString() };
  stepper.history.change(token.number ?? 0, { input: token.input });
}

/** A step with an effect. Its input is kept, so that each attempt has the same. */
function beginEffect(stepper: Stepping, token: Token, step: Step): void {
  const evaluate = (text: string) => stepper.value(token.path, text);
  token.input ??= stepper.plan.resolve(step, evaluate);
  token.phase = 'EFFECT';
  delete token.wake;
  const effectKey = effectKeyOf(stepper.plan.runId, token.path, step.key);
  stepper.history.change(token.number ?? 0, { input: token.input, effectKey });
}

/**
 * The key under which a step of a run has its effect once, in all its attempts. It has the step's key, since another
 * version, to which the run is moved, may have another step at the path.
 */
export function effectKeyOf(runId: string, path: string, key: string): string {
  const isShort = path.length <= maxKeyPath;
  return `${runId}:${isShort ? path : createHash('sha256').update(path).digest('hex')}:${key}`;
}

function wait(
  stepper: Stepping,
  token: Token,
  change: Pick<Token, 'phase'> & { wake?: string; input?: JsonObject },
): void {
  Object.assign(token, change);
  const { input } = change;
  stepper.history.change(token.number ?? 0, { state: 'WAITING', ...(input && { input }) });
}

function after(now: Date, seconds: number): Date {
  return new Date(now.getTime() + seconds * secondMs);
}

/** A value as a message shows it. */
function text(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
