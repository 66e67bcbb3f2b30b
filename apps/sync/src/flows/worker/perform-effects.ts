import { Logger } from '@nestjs/common';
import type { Step } from '@rapport/contracts/rapport/flows/v1/steps';
import { EffectError, type EffectCall, type JsonObject } from '../effects/effect-port.js';
import type { ActingEnrollment } from '../enrollments/exit-gate.js';
import { effectKeyOf } from '../interpreter/begin-step.js';
import type { StepOutcome } from '../interpreter/interpret.js';
import type { Token } from '../interpreter/run-state.js';
import { placedStep } from '../interpreter/step-tree.js';
import type { EngineParts } from './engine-parts.js';

/** Longest duration of an effect, in milliseconds. It is shorter than the lease of a run. */
export const effectMs = 40_000;

/** Whom and what effects of a run are for. */
export interface EffectOwner {
  tenantId: string;
  principalId: string;
  runId: string;
  record: { type: string; id: string } | undefined;
  hop: number;
  steps: readonly Step[];
  /** The enrollment of the run, if it has one. */
  enrollment?: ActingEnrollment | undefined;
}

const logger = new Logger('FlowEffects');

/** The call of a token's effect. */
export function effectCall(owner: EffectOwner, { path, input = {} }: Pick<Token, 'path' | 'input'>): EffectCall {
  const { tenantId, principalId, runId, record, hop, steps, enrollment } = owner;
  const { step } = placedStep(steps, path);
  return {
    tenantId,
    principalId,
    runId,
    path,
    effectKey: effectKeyOf(runId, path, step.key),
    step,
    input,
    record,
    hop,
    ...(enrollment?.unlessAnsweredSince !== undefined && { unlessAnsweredSince: enrollment.unlessAnsweredSince }),
  };
}

/**
 * Performs the effects that a run has stored as its next ones, at the same time.
 *
 * @returns the outcomes in the order in which they came, without those that a stopping process has cut off
 */
export async function performEffects(
  parts: Pick<EngineParts, 'port' | 'clock'>,
  owner: EffectOwner,
  tokens: readonly Token[],
  stopping: AbortSignal,
): Promise<StepOutcome[]> {
  const outcomes: StepOutcome[] = [];
  const performOne = async (token: Token) => {
    const signal = AbortSignal.any([stopping, AbortSignal.timeout(effectMs)]);
    const result = await perform(parts, owner, token, signal).catch((error: unknown) => failure(error));
    const isCutOff = stopping.aborted && 'kind' in result && result.kind === 'PASSING';
    if (!isCutOff) outcomes.push({ number: token.number ?? 0, result });
  };
  await Promise.all(tokens.map(performOne));
  return outcomes;
}

async function perform(
  { port, clock }: Pick<EngineParts, 'port' | 'clock'>,
  owner: EffectOwner,
  token: Token,
  signal: AbortSignal,
): Promise<StepOutcome['result']> {
  if (token.phase === 'EFFECT') return port.perform(effectCall(owner, token), signal);
  const { tenantId, principalId } = owner;
  const question = token.input as { calendarId: string; seconds: number; from: string };
  return { output: { time: await clock.due({ tenantId, principalId, ...question }, signal) } };
}

/** An error that no port names may pass, and nothing is known to have happened twice: the key is the same. */
export function failure(error: unknown): { problem: { code: string; message: string }; kind: EffectError['kind'] } {
  if (error instanceof EffectError) {
    return { problem: { code: error.code, message: error.message }, kind: error.kind };
  }
  logger.warn('An effect has failed.', error);
  return { problem: { code: 'EFFECT_FAILED', message: 'The step could not be performed.' }, kind: 'PASSING' };
}

/** The outcome of an effect that may have been under way when its process died, and that must not be repeated. */
export function unknownOutcome(steps: readonly Step[], { phase, path, number = 0 }: Token): StepOutcome | undefined {
  if (phase !== 'EFFECT' || !placedStep(steps, path).step.http?.isUnrepeatable) return undefined;
  const message = 'The process ended while the request was under way.';
  return { number, result: { problem: { code: 'OUTCOME_UNKNOWN', message }, kind: 'UNCERTAIN' } };
}

/** What an outcome of `undo` says. */
export type UndoResult =
  | { isUndone: true }
  | { isUndone: false; problem: { code: string; message: string }; mayPass: boolean };

export async function performUndo(
  { port }: Pick<EngineParts, 'port'>,
  call: EffectCall,
  undo: JsonObject,
  stopping: AbortSignal,
): Promise<UndoResult> {
  try {
    await port.undo(call, undo, AbortSignal.any([stopping, AbortSignal.timeout(effectMs)]));
    return { isUndone: true };
  } catch (error) {
    const { problem, kind } = failure(error);
    return { isUndone: false, problem, mayPass: kind === 'PASSING' };
  }
}
