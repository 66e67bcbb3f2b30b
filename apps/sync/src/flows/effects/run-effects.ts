import { EvaluationError, type JsonataEvaluator } from '../../exchange/mappings/jsonata-evaluator.js';
import type { JsonValue } from '../../connectors/peer-record.js';
import type { ConnectorEffect } from './connector-effect.js';
import { EffectError, type EffectCall, type EffectOutcome, type EffectPort, type JsonObject } from './effect-port.js';
import type { HttpEffect } from './http-effect.js';
import { effectError, isReason, type RecordCalls } from './record-calls.js';
import { RecordStep } from './record-effects.js';
import { textIn } from './record-values.js';
import { RecordUndo } from './undo-record.js';

/** What steps of real runs do. */
export class RunEffects implements EffectPort {
  constructor(
    private readonly calls: RecordCalls,
    private readonly http: HttpEffect,
    private readonly connector: Pick<ConnectorEffect, 'perform'>,
    private readonly evaluator: JsonataEvaluator,
  ) {}

  async perform(call: EffectCall, signal: AbortSignal): Promise<EffectOutcome> {
    const { http, connector, transform } = call.step;
    try {
      if (http) return await this.http.perform(call, http, signal);
      if (connector) return await this.connector.perform(call);
      if (transform) return await transformed(this.evaluator, call);
      return await new RecordStep(this.calls, call, signal).perform();
    } catch (error) {
      // The effect has happened, and customers has erased what it has answered.
      if (isReason(error, 'IDEMPOTENCY_ANSWER_ERASED')) return { output: {} };
      throw effectError(error);
    }
  }

  async undo(call: EffectCall, undo: JsonObject, signal: AbortSignal): Promise<void> {
    try {
      await new RecordUndo(this.calls, call, undo, signal).perform();
    } catch (error) {
      throw effectError(error);
    }
  }
}

/** @throws EffectError FINAL TRANSFORM_FAILED */
export async function transformed(
  evaluator: JsonataEvaluator,
  { tenantId, input }: EffectCall,
): Promise<EffectOutcome> {
  try {
    const value = await evaluator.of(tenantId)(textIn(input, 'expression'), (input['input'] ?? null) as JsonValue);
    return { output: { value } };
  } catch (error) {
    if (error instanceof EvaluationError) throw new EffectError('TRANSFORM_FAILED', error.message, 'FINAL');
    throw error;
  }
}
