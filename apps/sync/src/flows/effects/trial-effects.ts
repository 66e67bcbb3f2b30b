import { randomUUID } from 'node:crypto';
import { Step } from '@rapport/contracts/rapport/flows/v1/steps';
import type { JsonataEvaluator } from '../../exchange/mappings/jsonata-evaluator.js';
import { EffectError, type EffectCall, type EffectOutcome, type EffectPort, type JsonObject } from './effect-port.js';
import { effectError, type RecordCalls } from './record-calls.js';
import { RecordStep } from './record-effects.js';
import { stepType } from './record-methods.js';
import { recordOf, textIn } from './record-values.js';
import { transformed } from './run-effects.js';

/** A record that a trial would have created or changed. */
interface TrialRecord {
  type: string;
  /** Whether customers does not have it. */
  isNew: boolean;
  /** All values that steps have given, by name of the field. */
  fields: JsonObject;
  /** Undefined after its deletion. */
  output: JsonObject | undefined;
}

/**
 * The record of a dry run in place of effects. Customers runs each write and rolls it back, so that outputs and refusals
 * are those of a real run. What the trial has changed before is written together with it.
 */
export class TrialEffects implements EffectPort {
  readonly #records = new Map<string, TrialRecord>();

  constructor(
    private readonly calls: RecordCalls,
    private readonly evaluator: JsonataEvaluator,
  ) {}

  async perform(call: EffectCall, signal: AbortSignal): Promise<EffectOutcome> {
    const { step } = call;
    try {
      // Nothing leaves the platform.
      if (step.http ?? step.connector) return { output: {} };
      if (step.transform) return await transformed(this.evaluator, call);
      if (step.find) return { output: await this.#tried(call, signal) };
      // They leave no record that later steps change. Customers does not know a ticket that the trial would have created.
      if (step.reply ?? step.send) return { output: this.#namesNew(call) ? {} : await this.#tried(call, signal) };
      if (step.assign?.byRules) return { output: await this.#assigned(call, signal) };
      return { output: await this.#written(call, signal) };
    } catch (error) {
      throw effectError(error);
    }
  }

  undo(): Promise<void> {
    return Promise.resolve();
  }

  /** Rules see the record as it is in customers: one that the trial would have created keeps its owner. */
  async #assigned(call: EffectCall, signal: AbortSignal): Promise<JsonObject> {
    if (this.#namesNew(call)) return {};
    const [type, id] = [typeOf(call), textIn(call.input, 'id')];
    const known = this.#records.get(id);
    if (known && !known.output) throw new EffectError('NOT_FOUND', 'The run has deleted the record.', 'FINAL');
    const output = await this.#tried(call, signal);
    const before = known?.output ?? (await new RecordStep(this.calls, call, signal, true).present(stepType(type), id));
    const changes = { ownerId: output['ownerId'] ?? null };
    this.#records.set(id, {
      ...{ type, isNew: false, fields: { ...known?.fields, ...changes } },
      output: { ...before, ...changes },
    });
    return output;
  }

  async #written(call: EffectCall, signal: AbortSignal): Promise<JsonObject> {
    const { step, input } = call;
    const id = textIn(input, 'id') || textIn(input, 'dealId');
    const known = this.#records.get(id);
    if (known) return this.#changed(call, id, known, signal);
    const fields = changesOf(call);
    // Customers does not know the other record.
    const output = this.#namesNew(call) ? { id: randomUUID(), ...recordOf(fields) } : await this.#tried(call, signal);
    const of = textIn(output, 'id') || id;
    const isNew = (step.create ?? step.addTask ?? step.addNote ?? step.link) !== undefined;
    if (!step.link) {
      this.#records.set(of, { type: typeOf(call), isNew, fields, output: step.delete ? undefined : output });
    }
    return output;
  }

  async #changed(call: EffectCall, id: string, known: TrialRecord, signal: AbortSignal): Promise<JsonObject> {
    const { type, isNew, output: before } = known;
    if (call.step.delete) {
      known.output = undefined;
      return before ?? { id };
    }
    if (!before) throw new EffectError('NOT_FOUND', 'The run has deleted the record.', 'FINAL');
    const fields = { ...known.fields, ...changesOf(call) };
    const whole: EffectCall = isNew
      ? { ...call, step: Step.fromPartial({ key: call.step.key, create: { type } }), input: { type, fields } }
      : { ...call, step: Step.fromPartial({ key: call.step.key, update: { type } }), input: { type, id, fields } };
    const tried = this.#namesNew(whole) ? { ...before, ...recordOf(fields) } : await this.#tried(whole, signal);
    const output = { ...tried, id };
    this.#records.set(id, { type, isNew, fields, output });
    return output;
  }

  async #tried(call: EffectCall, signal: AbortSignal): Promise<JsonObject> {
    return (await new RecordStep(this.calls, call, signal, true).perform()).output;
  }

  /** Whether values refer to a record that the trial would have created. */
  #namesNew({ input, record }: EffectCall): boolean {
    const text = JSON.stringify([input['fields'] ?? input, record ?? null]);
    return [...this.#records].some(([id, { isNew }]) => isNew && text.includes(id));
  }
}

function typeOf({ step, input }: EffectCall): string {
  if (step.addTask) return 'task';
  if (step.addNote) return 'note';
  return step.moveStage ? 'deal' : textIn(input, 'type');
}

/** The values of a step, by name of the field. */
function changesOf({ step, input }: EffectCall): JsonObject {
  const fields = (input['fields'] ?? {}) as JsonObject;
  if (step.assign) return { ownerId: input['userId'] ?? null };
  if (step.moveStage) return { ...fields, stage: input['stage'] ?? null };
  if (step.addNote) return { body: input['text'] ?? null };
  if (step.addTask) return { subject: input['subject'] ?? null, ...fields };
  return fields;
}
