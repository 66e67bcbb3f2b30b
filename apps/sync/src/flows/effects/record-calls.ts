import { randomUUID } from 'node:crypto';
import type { ContractClient } from '@rapport/contracts';
import { AppError, flowOrigin } from '@rapport/platform';
import { EffectError, type EffectCall, type JsonObject } from './effect-port.js';
import { jsonFault } from './json-fault.js';
import type { JsonMethod } from './record-methods.js';

const callMs = 10_000;

/** Codes after which a later attempt may succeed. A write that has happened under its key answers the next attempt. */
const passingCodes: readonly AppError['code'][] = [
  ...(['ABORTED', 'CANCELLED', 'DEADLINE_EXCEEDED', 'INTERNAL'] as const),
  ...(['RESOURCE_EXHAUSTED', 'UNAVAILABLE'] as const),
];

/** Tokens of the principals that runs act as. */
export interface RunTokens {
  /** @throws AppError PERMISSION_DENIED for a principal that has ended */
  of(tenantId: string, principalId: string): Promise<string>;
}

/** The call of a step: what it acts for. */
export type Acting = Pick<EffectCall, 'tenantId' | 'principalId' | 'runId' | 'hop'>;

/** Calls methods of customers as the principal of a run, with requests and answers in JSON. */
export class RecordCalls {
  constructor(
    private readonly customers: Pick<ContractClient, 'unary'>,
    private readonly tokens: RunTokens,
  ) {}

  /** @throws AppError as the service answers; EffectError FINAL VALIDATION_FAILED for a value of another type */
  async ask(method: JsonMethod, request: JsonObject, acting: Acting, signal: AbortSignal): Promise<JsonObject> {
    const fault = jsonFault(method.desc.input, request);
    if (fault !== undefined) throw new EffectError('VALIDATION_FAILED', `The field ${fault}.`, 'FINAL');
    const message = method.input.fromJson(request);
    const principalToken = await this.tokens.of(acting.tenantId, acting.principalId);
    const cause = { origin: flowOrigin, causationId: acting.runId, hop: Math.max(acting.hop, 1) };
    const context = { requestId: randomUUID(), principalToken, cause };
    const answer = await this.customers.unary(method.path, message, { context, deadlineMs: callMs, signal });
    return method.output.toJson(answer as Record<string, unknown>) as JsonObject;
  }
}

/** What an error of a call means for a step. */
export function effectError(error: unknown): EffectError {
  if (error instanceof EffectError) return error;
  if (!(error instanceof AppError)) {
    return new EffectError('INTERNAL', 'Something went wrong on our side.', 'PASSING');
  }
  const details = error.violations.map(({ field, description }) => `${field} ${description}`).join('; ');
  const message = details === '' ? error.message : `${error.message} ${details}`;
  return new EffectError(error.reason, message, passingCodes.includes(error.code) ? 'PASSING' : 'FINAL');
}

export function isReason(error: unknown, ...reasons: string[]): error is AppError {
  return error instanceof AppError && reasons.includes(error.reason);
}

export function isCode(error: unknown, ...codes: AppError['code'][]): error is AppError {
  return error instanceof AppError && codes.includes(error.code);
}
