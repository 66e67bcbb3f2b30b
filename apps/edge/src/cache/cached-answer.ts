import { hash } from 'node:crypto';
import { validateHeaderValue, type ServerResponse } from 'node:http';
import type { AppError } from '@rapport/platform';
import type { Principal } from '../access/authenticator.js';
import { sendWhole } from '../http/bounded-server.js';
import { corsHeaders } from '../cors/cors-headers.js';
import type { RateHeaders } from '../limits/rate-limits.js';
import type { RequestHead } from '../http/request-head.js';
import type { CachedRoute } from './cached-route.js';
import type { TagSnapshot } from './tags.js';

/** The result of a load: the bytes of an answer, or the NOT_FOUND error of a record that does not exist. */
export type Loaded = { body: Buffer; etag: string } | { refusal: AppError };

/** Why the service was asked. Source: RFC 9211, section 2.2. */
export type ForwardReason = 'bypass' | 'request' | 'stale' | 'uri-miss';

/** How the cache handled a request, for the header Cache-Status. Source: RFC 9211. */
export type CacheStatus =
  | { kind: 'hit'; from?: 'redis' }
  /** `stored`: cached for later requests. `collapsed`: joined the load of another request. */
  | { kind: 'forwarded'; reason: ForwardReason; stored: boolean; collapsed: boolean; detail?: string }
  /** The service could not answer, with this HTTP status; the last good answer is given instead. */
  | { kind: 'stale'; status: number };

export interface AnswerTimes {
  /**
   * When the load began: it includes every write that was acknowledged before. -Infinity for an answer that another edge
   * loaded, by its own clock.
   */
  loadedAt: number;
  /** When the load began, about. */
  bornAt: number;
  freshUntil: number;
  staleUntil: number;
}

/** Approximate memory of an entry besides its text and bytes, in bytes: objects, header lines, its place in maps. */
const overheadBytes = 1_500;

/** Approximate memory of each tag, in bytes: its version with its name, its places in a map and in the snapshot. */
const tagBytes = 200;

/**
 * Largest body that is kept as a string and written with the header block in one piece, in bytes. Above, copying costs more
 * than it saves; for most answers that are given only once, too.
 */
const maxTextBytes = { onHits: 16 * 1024, atOnce: 4 * 1024 };

/** One answer in the memory of this process. Times are those of `performance.now()`. */
export class CachedAnswer {
  /** Approximate memory, in bytes. */
  readonly bytes: number;
  /** Absent when the answer is a refusal. */
  #content: string | Buffer | undefined;
  readonly etag: string;
  readonly refusal: AppError | undefined;
  readonly loadedAt: number;
  readonly bornAt: number;
  readonly freshUntil: number;
  readonly staleUntil: number;
  /** Set on a hit, so that it is not the next to be evicted. */
  used = false;
  readonly #contentLength: number;
  /** The header lines of a hit that are the same for every request in one second of its life. */
  #hitLines: HeaderLines | undefined;
  #hitSecond = -1;

  constructor(
    readonly route: CachedRoute,
    key: string,
    loaded: Loaded,
    { loadedAt, bornAt, freshUntil, staleUntil }: AnswerTimes,
    readonly snapshot: TagSnapshot,
  ) {
    this.loadedAt = loadedAt;
    this.bornAt = bornAt;
    this.freshUntil = freshUntil;
    this.staleUntil = staleUntil;
    if ('refusal' in loaded) {
      this.refusal = loaded.refusal;
      this.etag = '';
      this.#contentLength = 0;
    } else {
      const { body, etag } = loaded;
      // The header block is sent as it is.
      validateHeaderValue('etag', etag);
      this.#content = body.length <= maxTextBytes.atOnce ? body.toString('latin1') : body;
      this.#contentLength = body.length;
      this.etag = etag;
    }
    this.bytes = overheadBytes + tagBytes * snapshot.size + 2 * key.length + this.#contentLength;
  }

  /** Of a hot answer they are made once a second. */
  headerLines(status: CacheStatus, now: number): HeaderLines {
    if (status.kind !== 'hit' || status.from) return this.#makeLines(status, now);
    const second = Math.floor(now / 1_000);
    if (!this.#hitLines || this.#hitSecond !== second) {
      this.#hitLines = this.#makeLines(status, now);
      this.#hitSecond = second;
    }
    return this.#hitLines;
  }

  /** The bytes to send, as they are or as a string to be written as `latin1`. Undefined when the answer is a refusal. */
  contentFor({ kind }: CacheStatus): string | Buffer | undefined {
    if (kind === 'hit' && typeof this.#content === 'object' && this.#contentLength <= maxTextBytes.onHits)
      this.#content = this.#content.toString('latin1');
    return this.#content;
  }

  /** Called when it is no longer in the store. */
  dropped(): void {
    this.snapshot.release();
  }

  #makeLines(status: CacheStatus, now: number): HeaderLines {
    const age = Math.max(0, Math.floor((now - this.bornAt) / 1_000));
    const leftSeconds = (this.freshUntil - now) / 1_000;
    const ttl = leftSeconds > 0 ? Math.ceil(leftSeconds) : Math.floor(leftSeconds);
    const isNew = status.kind === 'forwarded' && !status.collapsed;
    // The client revalidates each time, and is answered 304 when it has the answer.
    const unchanged =
      `etag: ${this.etag}\r\ncache-control: private, no-cache\r\ncache-status: ${cacheStatus(status, ttl)}\r\n` +
      `${isNew ? '' : `age: ${age}\r\n`}date: ${new Date().toUTCString()}\r\n`;
    return { unchanged, whole: `${this.route.headerLines}content-length: ${this.#contentLength}\r\n${unchanged}` };
  }
}

/** Lines of a header block, each with its end. */
interface HeaderLines {
  /** Of a 304. */
  unchanged: string;
  /** Of a 200. */
  whole: string;
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

/** The parts of an answer that differ by request. */
export interface Receiver {
  head: RequestHead;
  principal: Principal;
  rate: RateHeaders;
}

/** Sends a cached answer in one write: 304 when the client has it, else 200. @returns the status */
export function sendCached(
  response: ServerResponse,
  answer: CachedAnswer,
  { head, principal, rate }: Receiver,
  status: CacheStatus,
  now: number,
): number {
  const { unchanged, whole } = answer.headerLines(status, now);
  const { isConditional } = answer.route.route;
  const own =
    `x-request-id: ${head.requestId}\r\nratelimit-policy: ${rate['ratelimit-policy']}\r\nratelimit: ${rate.ratelimit}\r\n` +
    (head.setCookie === undefined ? '' : `set-cookie: ${head.setCookie}\r\n`) +
    (principal.origins.length === 0 ? '' : corsLines(principal, head.origin));
  if (head.ifNoneMatch !== undefined && isConditional && hasCurrent(head.ifNoneMatch, answer.etag)) {
    sendWhole(response, 304, unchanged + own, undefined);
    return 304;
  }
  sendWhole(response, 200, whole + own, answer.contentFor(status));
  return 200;
}

function corsLines(principal: Principal, origin: string | undefined): string {
  const pairs = corsHeaders(principal, origin);
  let lines = '';
  for (let index = 0; index < pairs.length; index += 2) lines += `${pairs[index]}: ${pairs[index + 1]}\r\n`;
  return lines;
}

/** The record's own version, or else a strong hash of the bytes. */
export function etagOf(recordEtag: string, body: Buffer): string {
  if (recordEtag !== '') return recordEtag;
  return `"${hash('sha256', body, 'base64url').slice(0, 22)}"`;
}

/**
 * True when an If-None-Match header names the entity tag or is `*`: the client has the current answer. Tags compare
 * weakly. Source: RFC 9110, sections 13.1.2 and 8.8.3.2.
 */
export function hasCurrent(ifNoneMatch: string, etag: string): boolean {
  if (ifNoneMatch === etag) return true;
  if (ifNoneMatch.trim() === '*') return true;
  const opaque = withoutWeakness(etag);
  // A comma may stand within quotes, so tags are found rather than split.
  for (const [tag] of ifNoneMatch.matchAll(/(?:W\/)?"[^"]*"/g)) if (withoutWeakness(tag) === opaque) return true;
  return false;
}

function withoutWeakness(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag;
}
