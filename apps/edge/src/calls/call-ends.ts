import { AppError } from '@rapport/platform';

/** CANCELLED: the client no longer waits for the answer. */
export function clientGone(): AppError {
  return new AppError('CANCELLED', 'CANCELLED', 'The client has gone.');
}

/** DEADLINE_EXCEEDED, worded as in ContractClient. */
export function deadlineExceeded(): AppError {
  return new AppError('DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED', 'The answer took too long. Try again.');
}

/** Why a call was ended by its signal: the reason of the signal, or else that its client disconnected. */
export function endOf({ reason }: AbortSignal): AppError {
  return reason instanceof AppError ? reason : clientGone();
}

/** Why a call was ended that had begun: how much the service had done by then is unknown. */
export class CallEnded extends AppError {}
