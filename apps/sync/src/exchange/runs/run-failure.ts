import { callErrorOf, isConflict, isConnectionLoss, isLockTimeout } from '@rapport/persistence';
import { AppError } from '@rapport/platform';
import { ConnectorError } from '../../connectors/connector-error.js';
import { FilterRefusedError } from '../customers/customer-filter.js';

/** The effect of a failed run on its mapping. */
export interface RunFailure {
  reason: string;
  message: string;
  /** Delay of the next attempt, in milliseconds. Absent when a user must act first. */
  retryAfterMs?: number;
}

/** A run has more deletes than the mapping allows. A user must confirm them. */
export class MassDeleteError extends Error {
  override readonly name = 'MassDeleteError';
  constructor(readonly count: number) {
    super(`The run would delete ${count} records.`);
  }
}

/** The mapping was deleted during its run. */
export class MappingDeletedError extends Error {
  override readonly name = 'MappingDeletedError';
  constructor(options?: ErrorOptions) {
    super('The mapping was deleted.', options);
  }
}

/** The mapping or its connection was changed during the run, which continues with the new version unless they are disabled. */
export class MappingChangedError extends Error {
  override readonly name = 'MappingChangedError';
  constructor() {
    super('The mapping was changed.');
  }
}

/** A JSONata expression of the mapping times out for record after record. */
export class SlowExpressionsError extends Error {
  override readonly name = 'SlowExpressionsError';
  constructor(count: number, options?: ErrorOptions) {
    super(`${count} evaluations of JSONata took too long.`, options);
  }
}

const peerRetryMs = 15_000;
const platformRetryMs = 3_000;
const unexpectedRetryMs = 30_000;

/**
 * Whether the database of sync has failed for a moment, or refused what conflicts with another transaction. It says nothing about
 * the mapping: the queue repeats the run, which continues from its stored progress. Connectors throw ConnectorErrors for
 * lost connections to their peers.
 */
export function isInterruption(error: unknown): boolean {
  return isConnectionLoss(error) || isConflict(error) || isLockTimeout(error);
}

/** The reason is INTERNAL for an unexpected error. */
export function runFailure(thrown: unknown): RunFailure {
  const error = callErrorOf(thrown);
  if (error instanceof MappingDeletedError) return { reason: 'MAPPING_DELETED', message: error.message };
  if (error instanceof MappingChangedError) return { reason: 'MAPPING_CHANGED', message: error.message };
  if (error instanceof FilterRefusedError) {
    return { reason: 'FILTER_REFUSED', message: `${error.message} Change it to continue.` };
  }
  if (error instanceof MassDeleteError) {
    const message = `${error.message} None was deleted. Ask for a run with allowMassDelete when they are meant.`;
    return { reason: 'MASS_DELETE', message };
  }
  if (error instanceof SlowExpressionsError) {
    return { reason: 'EXPRESSION_TOO_SLOW', message: `${error.message} Change the mapping to continue.` };
  }
  if (error instanceof ConnectorError) {
    const { reason, message, retryAfterMs = peerRetryMs } = error;
    const passes = reason === 'RATE_LIMITED' || reason === 'UNAVAILABLE';
    return { reason: `PEER_${reason}`, message, ...(passes && { retryAfterMs }) };
  }
  if (error instanceof AppError) {
    const { code, reason, message } = error;
    if (code === 'PERMISSION_DENIED') return { reason, message };
    return { reason, message, retryAfterMs: platformRetryMs };
  }
  return { reason: 'INTERNAL', message: 'The run has failed unexpectedly.', retryAfterMs: unexpectedRetryMs };
}

/** Whether a row of a deleted mapping was to be stored: 23503 foreign_key_violation. */
export function isOfDeletedMapping(error: unknown): boolean {
  const { code, constraint } = (error ?? {}) as { code?: unknown; constraint?: unknown };
  return code === '23503' && typeof constraint === 'string' && constraint.endsWith('_mapping');
}
