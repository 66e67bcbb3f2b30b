import type { Step } from '@rapport/contracts/rapport/flows/v1/steps';

/** A value of JSON. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** An object of JSON. */
export type JsonObject = Readonly<Record<string, Json>>;

/** A step that reads or changes something outside the run, and who it acts for. */
export interface EffectCall {
  tenantId: string;
  /** Of the flow's publisher, such as `user:019ab2f4-…`: the step sees and does what that principal may. */
  principalId: string;
  runId: string;
  /** Path of the step in the run, such as `steps/2/for/steps/0[4]`. */
  path: string;
  /** The same in each attempt: the effect happens once under it for as long as the run is kept. */
  effectKey: string;
  step: Step;
  /** The step with its expressions replaced by their values. */
  input: JsonObject;
  /** The record of the run. */
  record: { type: string; id: string } | undefined;
  /** Number of automatic steps between the request of a user or client and this run. */
  hop: number;
  /** Of a sequence: what it sends is not handed over after an answer of its customer since this time, in RFC 3339. */
  unlessAnsweredSince?: string;
}

/** What a step has done. */
export interface EffectOutcome {
  /** What later expressions read as `steps.<key>`. */
  output: JsonObject;
  /** What `undo` needs; absent if there is nothing to undo. */
  undo?: JsonObject;
}

/** Why a step has failed. */
export class EffectError extends Error {
  override readonly name = 'EffectError';

  /**
   * @param code of the problem, in upper snake case
   * @param kind `PASSING`: a later attempt may succeed, and none has had an effect or all have the same; `FINAL`: it
   * fails each time; `UNCERTAIN`: it is not known whether the effect has happened, and it must not be repeated
   */
  constructor(
    readonly code: string,
    message: string,
    readonly kind: 'PASSING' | 'FINAL' | 'UNCERTAIN',
  ) {
    super(message);
  }
}

/** Where steps have their effects: in other services and systems, or in the record of a dry run. */
export interface EffectPort {
  /** @throws EffectError */
  perform(call: EffectCall, signal: AbortSignal): Promise<EffectOutcome>;
  /**
   * Undoes an effect, once. A record that has changed since stays as it is.
   *
   * @param undo of the outcome
   * @throws EffectError FINAL with the code CHANGED_SINCE or NOT_UNDOABLE
   */
  undo(call: EffectCall, undo: JsonObject, signal: AbortSignal): Promise<void>;
}
