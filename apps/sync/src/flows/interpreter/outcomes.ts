import { openApproval, waitUntil } from './begin-step.js';
import type { StepOutcome } from './interpret.js';
import { nextAttempt } from './retry-policy.js';
import type { Token } from './run-state.js';
import type { Stepping } from './stepping.js';

/** Applies the outcomes of effects. One of a step that has been cancelled is noted in the history only. */
export function applyOutcomes(stepper: Stepping, outcomes: readonly StepOutcome[]): void {
  for (const outcome of outcomes) {
    const token = stepper.state.tokens.find(({ number }) => number === outcome.number);
    if (token) applyOutcome(stepper, token, outcome);
    else note(stepper, outcome);
  }
}

function note({ history }: Stepping, { number, result }: StepOutcome): void {
  if ('output' in result) history.end(number, { state: 'SUCCEEDED', ...result });
  else history.end(number, { state: result.kind === 'UNCERTAIN' ? 'UNCERTAIN' : 'FAILED', problem: result.problem });
}

function applyOutcome(stepper: Stepping, token: Token, { result, number }: StepOutcome): void {
  if ('output' in result) {
    const { output, undo } = result;
    if (token.phase === 'CLOCK') clockAnswered(stepper, token, output['time'] as string);
    else stepper.complete(token, output, undo);
    return;
  }
  const { kind, problem } = result;
  if (kind === 'UNCERTAIN') {
    token.phase = 'UNCERTAIN';
    stepper.state.problem = { ...problem, step: token.path };
    stepper.history.change(number, { state: 'UNCERTAIN', problem });
    return;
  }
  const next = kind === 'PASSING' ? nextAttempt(stepper.plan.steps, token.path, token.attempt, stepper.now) : undefined;
  if (!next) {
    const isUnknown = kind === 'PASSING' && token.phase === 'EFFECT';
    stepper.fail(token, isUnknown ? { ...problem, isUnknown } : problem);
    return;
  }
  stepper.history.end(number, { state: 'FAILED', problem });
  delete token.number;
  const wake = next.toISOString();
  Object.assign(token, { phase: 'RETRY', wake, attempt: token.attempt + 1, problem: { ...problem, step: token.path } });
}

/** The end of business time of a `wait` or an `approve`. */
function clockAnswered(stepper: Stepping, token: Token, time: string): void {
  delete token.input;
  if (stepper.stepAt(token.path).approve) openApproval(stepper, token, new Date(time));
  else waitUntil(stepper, token, new Date(time));
}
