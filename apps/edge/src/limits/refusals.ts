import { AppError } from '@rapport/platform';
import { inSeconds, type Charge, type RateHeaders } from './rate-headers.js';

/** RESOURCE_EXHAUSTED RATE_LIMITED: answered as 429 with the rate headers. */
export class RateLimited extends AppError {
  constructor(
    charge: Charge,
    cost: number,
    readonly headers: RateHeaders,
  ) {
    // When both have too little left, the later of them decides.
    const byKey = charge.keyLeft < cost ? charge.keyResetMs : 0;
    const byTenant = charge.tenantLeft < cost ? charge.tenantResetMs : 0;
    const budget = byKey > 0 ? 'key' : 'tenant';
    super('RESOURCE_EXHAUSTED', 'RATE_LIMITED', `This costs ${cost} units, and less is left for the ${budget}.`, {
      retryAfterSeconds: inSeconds(Math.max(byKey, byTenant)),
      metadata: { budget, cost: String(cost) },
    });
  }
}

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
