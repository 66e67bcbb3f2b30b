import { readRetryAfter } from '@rapport/platform';
import { OutgoingError, type OutgoingHttp } from '../../outgoing-http/outgoing-http.js';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import { EndpointKeys, keyOwner } from '../endpoints/endpoint-keys.js';
import { eventBody } from '../events/event-body.js';
import { openEvent } from '../events/sealed-event.js';
import { gatherEvents } from '../events/webhook-event.js';
import type { AttemptRecord, FailureVerdict, UndecidedVerdict, Verdict } from './finish-attempt.js';
import type { RetrySchedule } from './retry-schedule.js';
import type { Attempt } from './start-attempts.js';

/** Rules of deliveries. */
export interface DeliveryRules {
  schedule: RetrySchedule;
  /** Time without success after which an endpoint is disabled. */
  failingMs: number;
  /** Timeout of an attempt. */
  timeoutMs: number;
}

export interface AttemptResult {
  record: AttemptRecord;
  verdict: Verdict;
}

/**
 * Sends a delivery once and determines its next state.
 *
 * @param signal aborts the attempt
 * @returns undefined after an abort: whether the endpoint has received it is unknown
 */
export async function makeAttempt(
  http: OutgoingHttp,
  envelope: SecretEnvelope,
  attempt: Attempt,
  rules: DeliveryRules,
  signal: AbortSignal,
): Promise<AttemptResult | undefined> {
  const startMs = Date.now();
  const begin = performance.now();
  const record = (rest: Pick<AttemptRecord, 'status' | 'error'>): AttemptRecord => ({
    startMs,
    durationMs: performance.now() - begin,
    ...rest,
  });
  if (attempt.events.length === 0) return { record: record({ error: 'EVENT_EXPIRED' }), verdict: { next: 'FAILED' } };
  try {
    const request = { ...signedRequest(envelope, attempt, startMs), timeoutMs: rules.timeoutMs, signal };
    const { status, retryAfter } = await http.post(request);
    if (status >= 200 && status < 300) return { record: record({ status }), verdict: { next: 'DELIVERED' } };
    const failed = record({ status, error: status >= 300 && status < 400 ? 'REDIRECTED' : 'STATUS' });
    const after = afterFailure(attempt, rules, readRetryAfter(retryAfter));
    if (status !== 410) return { record: failed, verdict: after };
    const otherwise = after.next === 'DISABLE' ? after.otherwise : after;
    return { record: failed, verdict: { next: 'DISABLE', reason: 'GONE', otherwise } };
  } catch (error) {
    if (!(error instanceof OutgoingError)) throw error;
    if (error.reason === 'ABORTED') return undefined;
    return { record: record({ error: error.reason }), verdict: afterFailure(attempt, rules) };
  }
}

function signedRequest(envelope: SecretEnvelope, { job, eventId, events, endpoint }: Attempt, startMs: number) {
  const owner = keyOwner({ tenantId: job.tenantId, id: job.endpointId });
  const sealed = [endpoint.sealedKeys, ...(endpoint.previousSealedKeys ? [endpoint.previousSealedKeys] : [])];
  const opened = events.map((event) => openEvent(envelope, job.tenantId, event));
  const body = eventBody(gatherEvents(opened), endpoint);
  const timestamp = Math.floor(startMs / 1_000);
  const signatures = sealed.flatMap((each) =>
    EndpointKeys.open(envelope, each, owner).signatures(eventId, timestamp, body),
  );
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'Rapport-Webhooks/1',
    'webhook-id': eventId,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signatures.join(' '),
  };
  return { url: endpoint.url, headers, body };
}

function afterFailure({ endpoint, number }: Attempt, rules: DeliveryRules, holdMs?: number): FailureVerdict {
  const waitMs = rules.schedule.waitMs(number);
  const otherwise: UndecidedVerdict = waitMs === undefined ? { next: 'FAILED' } : { next: 'RETRY', waitMs, holdMs };
  const { failingTimeMs } = endpoint;
  const isFailing = failingTimeMs !== undefined && Date.now() - failingTimeMs >= rules.failingMs;
  return isFailing ? { next: 'DISABLE', reason: 'FAILING', otherwise } : otherwise;
}
