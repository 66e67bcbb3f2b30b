import { areaOf, costOf, type RestRoute } from '@rapport/contracts';
import type { SecurityHeaders } from '../http/security-headers.js';
import { isLasting } from '../calls/peer-client.js';
import { tagsOfRead, type TagsOfRead } from './tags.js';

/**
 * How long it is cached that a record does not exist, in milliseconds: shorter than records, because no invalidation comes when
 * the record is created past every edge in an area without a change log.
 */
const refusalTtlMs = 5_000;

/** A route whose answers may be cached, with the values of its policy in the units of the cache. */
export interface CachedRoute {
  readonly route: RestRoute;
  /** The area of the contract that the answers come from. */
  readonly area: string;
  /** The path's template, for the log. */
  readonly url: string;
  readonly permission: string;
  readonly cost: number;
  readonly ttlMs: number;
  readonly refusalTtlMs: number;
  /** How long a stale answer may be served while the service is unavailable, in milliseconds. */
  readonly staleMs: number;
  /** True when NOT_FOUND says that the one record which the path names does not exist. */
  readonly namesOneRecord: boolean;
  readonly tags: TagsOfRead;
  /** Lines of a header block that all its answers with content have, each with its end. */
  readonly headerLines: string;
}

/** @returns undefined for a route whose answers are never cached */
export function cachedRoute(route: RestRoute, securityHeaders: SecurityHeaders): CachedRoute | undefined {
  const { policy, path } = route.method;
  const tags = tagsOfRead(route);
  if (!tags || !policy.cache) return undefined;
  if (
    route.verb !== 'GET' ||
    route.answerUsage !== 'message' ||
    route.status !== 200 ||
    route.fields.header.length > 0
  ) {
    throw new Error(`${path}: only the answer of a GET that depends on nothing but its URL can be cached.`);
  }
  if (isLasting(route.method)) throw new Error(`${path}: an answer that takes long can't be cached.`);
  // A public answer belongs to no tenant, whose writes would invalidate it.
  if (policy.public) throw new Error(`${path}: an answer that needs no credential can't be cached.`);
  const ttlMs = policy.cache.ttlSeconds * 1_000;
  const headers = { ...securityHeaders, 'content-type': 'application/json; charset=utf-8' };
  return {
    route,
    area: areaOf(path),
    url: route.path.pattern,
    permission: policy.permission,
    cost: costOf(route.method),
    ttlMs,
    refusalTtlMs: Math.min(ttlMs, refusalTtlMs),
    staleMs: policy.cache.staleIfErrorSeconds * 1_000,
    namesOneRecord: route.fields.path.length > 0 && policy.cache.tags.some((tag) => tag.includes(':{')),
    tags,
    headerLines: Object.entries(headers)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join(''),
  };
}
