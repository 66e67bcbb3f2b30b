import { AppError } from '@rapport/platform';

/** The error of a request whose bytes are no message of its method, or one of more than the 100 levels that ts-proto reads. */
export function unreadableRequest(): AppError {
  return new AppError('INVALID_ARGUMENT', 'REQUEST_MALFORMED', 'The request can not be read.');
}
