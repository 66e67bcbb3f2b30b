import { areaOf, type RestRoute } from '@rapport/contracts';
import { costOf } from '../limits/cost.js';
import { floorsOfRead, type FloorsOfRead } from './tags.js';

/** How long it is believed that a record does not exist, in milliseconds: shorter than records, for a write never ends it
 * when the record comes to be past every edge and without a feed. */
const refusalTtlMs = 5_000;

/** A route whose answers may be kept, with what the contract says of it at hand. */
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
  /** How long after its end an answer may be given while the service is away, in milliseconds. */
  readonly staleMs: number;
  /** True when NOT_FOUND says that the one record which the path names does not exist. */
  readonly namesOneRecord: boolean;
  readonly floors: FloorsOfRead;
}

/** @returns undefined for a route whose answers are never kept */
export function cachedRoute(route: RestRoute): CachedRoute | undefined {
  const { policy, path } = route.method;
  const floors = floorsOfRead(route);
  if (!floors || !policy.cache) return undefined;
  if (
    route.verb !== 'GET' ||
    route.answerUsage !== 'message' ||
    route.status !== 200 ||
    route.fields.header.length > 0
  ) {
    throw new Error(`${path}: only the answer of a GET that depends on nothing but its URL can be kept.`);
  }
  // A public answer belongs to no tenant, whose writes would end it.
  if (policy.public) throw new Error(`${path}: an answer that needs no credential can't be kept.`);
  const ttlMs = policy.cache.ttlSeconds * 1_000;
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
    floors,
  };
}
