import { AppError } from '@rapport/platform';
import { ConnectorError } from '../connectors/connector-error.js';

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

const peerRetryMs = 15_000;
const platformRetryMs = 3_000;
const unexpectedRetryMs = 30_000;

/** Undefined for what is not the matter of a run. */
export function runFailure(error: unknown): RunFailure {
  if (error instanceof MassDeleteError) {
    const message = `${error.message} None was deleted. Ask for a run with allowMassDelete when they are meant.`;
    return { reason: 'MASS_DELETE', message };
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
