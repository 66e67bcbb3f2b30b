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

/** RESOURCE_EXHAUSTED TOO_MANY_CONCURRENT: the tenant's concurrent calls have reached the limit of its plan. */
export function tooManyConcurrent(trafficClass: string): AppError {
  const message = `As many ${trafficClass} calls of this tenant as its plan allows are being worked on.`;
  return new AppError('RESOURCE_EXHAUSTED', 'TOO_MANY_CONCURRENT', message, {
    retryAfterSeconds: 1,
    metadata: { trafficClass },
  });
}

/** UNAVAILABLE OVERLOADED: all places of the traffic class are in use. */
export function overloaded(trafficClass: string): AppError {
  return new AppError(
    'UNAVAILABLE',
    'OVERLOADED',
    `The server is overloaded and accepts no more ${trafficClass} calls now.`,
    {
      retryAfterSeconds: 1,
      metadata: { trafficClass },
    },
  );
}

/** RESOURCE_EXHAUSTED TOO_MANY_FAILED_AUTHENTICATIONS: the address has sent too many wrong credentials. */
export function tooManyFailedAuthentications(resetMs: number): AppError {
  const message = 'Too many wrong credentials came from this address.';
  return new AppError('RESOURCE_EXHAUSTED', 'TOO_MANY_FAILED_AUTHENTICATIONS', message, {
    retryAfterSeconds: inSeconds(resetMs),
  });
}
