import { AppError } from '@rapport/platform';
import { ConnectorError } from '../../connectors/connector-error.js';
import { FilterRefusedError } from '../customers/customer-filter.js';

/** What becomes of a mapping whose run has failed. */
export interface RunFailure {
  reason: string;
  message: string;
  /** When it is tried again, in milliseconds. Absent: a person has to do something first. */
  retryAfterMs?: number;
}

/** More deletes than a mapping allows: a person has to say that they are meant. */
export class MassDeleteError extends Error {
  override readonly name = 'MassDeleteError';
  constructor(readonly count: number) {
    super(`The run would delete ${count} records.`);
  }
}

/** The mapping was deleted while a run of it was at work. */
export class MappingDeletedError extends Error {
  override readonly name = 'MappingDeletedError';
  constructor(options?: ErrorOptions) {
    super('The mapping was deleted.', options);
  }
}

/** The mapping was changed during the run, which continues with the new version. */
export class MappingChangedError extends Error {
  override readonly name = 'MappingChangedError';
  constructor() {
    super('The mapping was changed.');
  }
}

/** JSONata of a mapping that takes too long, record after record. */
export class SlowExpressionsError extends Error {
  override readonly name = 'SlowExpressionsError';
  constructor(count: number, options?: ErrorOptions) {
    super(`${count} evaluations of JSONata took too long.`, options);
  }
}

const peerRetryMs = 15_000;
const platformRetryMs = 3_000;
const unexpectedRetryMs = 30_000;

/** Undefined for what is not the matter of a run. */
export function runFailure(error: unknown): RunFailure {
  if (error instanceof MappingDeletedError) return { reason: 'MAPPING_DELETED', message: error.message };
  if (error instanceof MappingChangedError) return { reason: 'MAPPING_CHANGED', message: error.message };
  if (error instanceof FilterRefusedError) {
    return { reason: 'FILTER_REFUSED', message: `${error.message} Change it to go on.` };
  }
  if (error instanceof MassDeleteError) {
    const message = `${error.message} None was deleted. Ask for a run with allowMassDelete when they are meant.`;
    return { reason: 'MASS_DELETE', message };
  }
  if (error instanceof SlowExpressionsError) {
    return { reason: 'EXPRESSION_TOO_SLOW', message: `${error.message} Change the mapping to go on.` };
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

/** Whether something was to be kept of a mapping that is gone: 23503 foreign_key_violation. */
export function isOfDeletedMapping(error: unknown): boolean {
  const { code, constraint } = (error ?? {}) as { code?: unknown; constraint?: unknown };
  return code === '23503' && typeof constraint === 'string' && constraint.endsWith('_mapping');
}
