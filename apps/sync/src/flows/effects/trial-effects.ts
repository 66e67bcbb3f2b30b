import { randomUUID } from 'node:crypto';
import type { JsonataEvaluator } from '../../exchange/mappings/jsonata-evaluator.js';
import type { EffectCall, EffectOutcome, EffectPort, JsonObject } from './effect-port.js';
import { effectError, type RecordCalls } from './record-calls.js';
import { RecordStep } from './record-effects.js';
import { recordOf, textIn } from './record-values.js';
import { transformed } from './run-effects.js';

/**
 * The record of a dry run in place of effects. Customers runs each write and rolls it back, so that outputs and refusals are those of
 * a real run. A record that the trial would have created or changed before has the values of the trial: customers does not know them.
 */
export class TrialEffects implements EffectPort {
  /** Records of the trial, by id; null for deleted ones. */
  readonly #records = new Map<string, JsonObject | null>();

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
      if (step.find) return await new RecordStep(this.calls, call, signal, true).perform();
      return { output: await this.#written(call, signal) };
    } catch (error) {
      throw effectError(error);
    }
  }

  undo(): Promise<void> {
    return Promise.resolve();
  }

  async #written(call: EffectCall, signal: AbortSignal): Promise<JsonObject> {
    const { step, input } = call;
    const id = textIn(input, 'id') || textIn(input, 'dealId');
    const known = this.#records.get(id);
    if (known) return this.#note(id, step.delete ? null : { ...known, ...this.#changes(call) }, known);
    // Links of records of the trial, and what is related to them, can not be tried.
    if (this.#namesOwn(call)) return this.#created(call);
    const { output } = await new RecordStep(this.calls, call, signal, true).perform();
    const of = textIn(output, 'id') || id;
    return this.#note(of, step.delete ? null : output, output);
  }

  #created(call: EffectCall): JsonObject {
    const id = randomUUID();
    return this.#note(id, { id, ...this.#changes(call) }, {});
  }

  #changes({ step, input }: EffectCall): JsonObject {
    const fields = recordOf((input['fields'] ?? {}) as JsonObject);
    if (step.assign) return { ownerId: input['userId'] ?? null };
    if (step.moveStage) return { ...fields, stage: input['stage'] ?? null };
    if (step.link || step.addNote) return input;
    return step.addTask ? { subject: input['title'] ?? null, ...fields } : fields;
  }

  #namesOwn({ input, record }: EffectCall): boolean {
    const text = JSON.stringify([input, record ?? null]);
    return [...this.#records.keys()].some((id) => text.includes(id));
  }

  #note(id: string, record: JsonObject | null, otherwise: JsonObject): JsonObject {
    this.#records.set(id, record);
    return record ?? otherwise;
  }
}
