import { AppError } from '@rapport/platform';
import { inSeconds } from './rate-limits.js';

/** RESOURCE_EXHAUSTED RATE_LIMITED of calls without a credential. */
export function addressLimited(resetMs: number, cost: number): AppError {
  const message = `This costs ${cost} units, and less is left for calls without a credential from this address.`;
  return new AppError('RESOURCE_EXHAUSTED', 'RATE_LIMITED', message, {
    retryAfterSeconds: inSeconds(resetMs),
    metadata: { budget: 'address', cost: String(cost) },
  });
}

/** RESOURCE_EXHAUSTED TOO_MANY_CONCURRENT: the tenant has as many calls at the same time as its plan allows. */
export function tooManyConcurrent(trafficClass: string): AppError {
  const message = `As many ${trafficClass} calls of this tenant as its plan allows are being worked on.`;
  return new AppError('RESOURCE_EXHAUSTED', 'TOO_MANY_CONCURRENT', message, {
    retryAfterSeconds: 1,
    metadata: { trafficClass },
  });
}

/** UNAVAILABLE OVERLOADED: there is no place for any more work of the class. */
export function overloaded(trafficClass: string): AppError {
  return new AppError('UNAVAILABLE', 'OVERLOADED', `There is no place for more ${trafficClass} calls now.`, {
    retryAfterSeconds: 1,
    metadata: { trafficClass },
  });
}

/** RESOURCE_EXHAUSTED TOO_MANY_FAILED_AUTHENTICATIONS: this address guesses keys. */
export function tooManyFailedAuthentications(resetMs: number): AppError {
  const message = 'Too many wrong credentials came from this address.';
  return new AppError('RESOURCE_EXHAUSTED', 'TOO_MANY_FAILED_AUTHENTICATIONS', message, {
    retryAfterSeconds: inSeconds(resetMs),
  });
}
