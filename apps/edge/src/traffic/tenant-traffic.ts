import type { OperationTraffic } from '@rapport/contracts/rapport/edge/v1/traffic_service';
import { bucketOf, latencyBuckets } from './latency-buckets.js';

/** An answered request of a tenant. */
export interface AnsweredRequest {
  /** Id of the operation in the contract. */
  operation: string;
  status: number;
  /** Absent for uploads, downloads and streams, whose duration depends on the client. */
  latencyMs?: number | undefined;
  /** Of a read whose answer may be cached, if one was given. */
  cache?: 'hit' | 'miss' | undefined;
  /** True when a rate, a limit of places or overload refused it. */
  isShed?: boolean;
}

/** Places of the counts of an operation. Its latency buckets follow. */
const at = { requests: 0, clientErrors: 1, serverErrors: 2, shed: 3, cacheHits: 4, cacheMisses: 5, notModified: 6 };
const bucketsFrom = Object.keys(at).length;

/** The requests of one tenant by operation, of which the contract has a fixed number, since they were last taken. */
export class TenantTraffic {
  readonly #counts = new Map<string, Uint32Array>();

  count({ operation, status, latencyMs, cache, isShed = false }: AnsweredRequest): void {
    let counts = this.#counts.get(operation);
    if (!counts) this.#counts.set(operation, (counts = new Uint32Array(bucketsFrom + latencyBuckets)));
    const add = (place: number) => (counts[place] = (counts[place] ?? 0) + 1);
    add(at.requests);
    if (status >= 500) add(at.serverErrors);
    else if (status >= 400) add(at.clientErrors);
    else if (status === 304) add(at.notModified);
    if (isShed) add(at.shed);
    if (cache) add(cache === 'hit' ? at.cacheHits : at.cacheMisses);
    if (latencyMs !== undefined) add(bucketsFrom + bucketOf(latencyMs));
  }

  /** Returns what was counted, and starts again from nothing. */
  take(): OperationTraffic[] {
    const taken: OperationTraffic[] = [];
    for (const [operation, counts] of this.#counts) {
      const of = (place: number) => counts[place] ?? 0;
      if (of(at.requests) === 0) continue;
      const buckets = counts.subarray(bucketsFrom);
      taken.push({
        operation,
        requests: of(at.requests),
        clientErrors: of(at.clientErrors),
        serverErrors: of(at.serverErrors),
        shed: of(at.shed),
        cacheHits: of(at.cacheHits),
        cacheMisses: of(at.cacheMisses),
        notModified: of(at.notModified),
        latencyCounts: [...buckets.subarray(0, buckets.findLastIndex((count) => count > 0) + 1)],
      });
      counts.fill(0);
    }
    return taken;
  }
}

/** Adds figures up by operation. @returns them in the order of the operations' names */
export function sumOf(figures: Iterable<OperationTraffic>): OperationTraffic[] {
  const sums = new Map<string, OperationTraffic>();
  for (const each of figures) {
    const sum = sums.get(each.operation);
    sums.set(each.operation, sum ? add(sum, each) : each);
  }
  return [...sums.values()].sort((one, other) => (one.operation < other.operation ? -1 : 1));
}

function add(one: OperationTraffic, other: OperationTraffic): OperationTraffic {
  const [longer, shorter] = [one.latencyCounts, other.latencyCounts].sort((a, b) => b.length - a.length);
  return {
    operation: one.operation,
    requests: one.requests + other.requests,
    clientErrors: one.clientErrors + other.clientErrors,
    serverErrors: one.serverErrors + other.serverErrors,
    shed: one.shed + other.shed,
    cacheHits: one.cacheHits + other.cacheHits,
    cacheMisses: one.cacheMisses + other.cacheMisses,
    notModified: one.notModified + other.notModified,
    latencyCounts: (longer ?? []).map((count, bucket) => count + (shorter?.[bucket] ?? 0)),
  };
}
