import type { KeptAnswer } from './kept-answer.js';

/** What the cache says of one answer. Source: RFC 9211. */
export type CacheStatus =
  | { kind: 'hit'; from?: 'redis' }
  /** `stored`: kept for others. `collapsed`: the load of another request was waited for. */
  | { kind: 'forwarded'; reason: ForwardReason; stored: boolean; collapsed: boolean; detail?: string }
  /** The service could not answer, with this HTTP status; the last good answer is given instead. */
  | { kind: 'stale'; status: number };

/** Why the service was asked. Source: RFC 9211, section 2.2. */
export type ForwardReason = 'bypass' | 'request' | 'stale' | 'uri-miss';

/**
 * The headers that a kept answer has whoever asks, as names and values in turn. The same for every request in one second of
 * the answer's life, so a hot answer's are made once a second.
 */
export function answerHeaders(kept: KeptAnswer, status: CacheStatus, now: number): readonly string[] {
  const age = Math.max(0, Math.floor((now - kept.bornAt) / 1_000));
  if (status.kind !== 'hit' || status.from) return makeHeaders(kept, status, now, age);
  const second = Math.floor(now / 1_000);
  if (!kept.headers || kept.headersSecond !== second) {
    kept.headers = makeHeaders(kept, status, now, age);
    kept.headersSecond = second;
  }
  return kept.headers;
}

function makeHeaders(kept: KeptAnswer, status: CacheStatus, now: number, age: number): string[] {
  const leftSeconds = (kept.freshUntil - now) / 1_000;
  const ttl = leftSeconds > 0 ? Math.ceil(leftSeconds) : Math.floor(leftSeconds);
  return [
    'etag',
    kept.etag,
    // The client asks each time, and is told in 304 that it has the answer.
    'cache-control',
    'private, no-cache',
    'cache-status',
    cacheStatus(status, ttl),
    ...(status.kind === 'forwarded' && !status.collapsed ? [] : ['age', String(age)]),
  ];
}

/** The value of the header Cache-Status. @param ttl seconds for which the answer is fresh; negative when it is stale */
export function cacheStatus(status: CacheStatus, ttl: number): string {
  switch (status.kind) {
    case 'hit':
      return `rapport; hit; ttl=${ttl}${status.from ? `; detail=${status.from}` : ''}`;
    case 'forwarded': {
      const { reason, stored, collapsed, detail } = status;
      return `rapport; fwd=${reason}${stored ? '; stored' : ''}${collapsed ? '; collapsed' : ''}${detail ? `; detail=${detail}` : ''}`;
    }
    case 'stale':
      return `rapport; fwd=stale; fwd-status=${status.status}; ttl=${ttl}; detail=stale-if-error`;
    default:
      return status satisfies never;
  }
}
