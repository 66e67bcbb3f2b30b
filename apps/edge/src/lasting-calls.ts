import type { RestRoute } from '@rapport/contracts';

/** How long a request may take when the contract does not say, in milliseconds. */
export const defaultDeadlineMs = 10_000;

type Method = Pick<RestRoute['method'], 'policy' | 'requestStream' | 'responseStream'>;

/** Whether calls of a method may take long: streams in either direction, and methods with a longer deadline than usual. */
export function isLasting({ policy, requestStream, responseStream }: Method): boolean {
  return requestStream || responseStream || policy.deadlineMs > defaultDeadlineMs;
}
