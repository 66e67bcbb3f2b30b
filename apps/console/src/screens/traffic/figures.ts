import { storeOf } from '../../app/store.ts';
import { follow, Problem } from '../../contract/api.ts';

interface Figures {
  seconds: number;
  requests: number;
  /** Answered by the cache, except for those of `notModified`. */
  cache: number;
  notModified: number;
  /** Refused by a limit. */
  refused: number;
  service: number;
  hits: number;
  misses: number;
  failed: number;
  latencies: number[];
}

export function figuresOf(frames: readonly Frame[]): Figures {
  const sum = noFigures();
  for (const frame of frames) {
    sum.seconds += frame.durationMs / 1_000;
    for (const each of frame.operations) add(sum, each);
  }
  return sum;
}

const known = new WeakMap<Frame, Figures>();

/** Figures of one frame, which never change. */
export function figuresOfFrame(frame: Frame): Figures {
  const figures = known.get(frame) ?? figuresOf([frame]);
  known.set(frame, figures);
  return figures;
}

function noFigures(): Figures {
  return {
    seconds: 0,
    requests: 0,
    cache: 0,
    notModified: 0,
    refused: 0,
    service: 0,
    hits: 0,
    misses: 0,
    failed: 0,
    latencies: [],
  };
}

function add(sum: Figures, each: OperationTraffic): void {
  const cache = Math.max(0, each.cacheHits - each.notModified);
  sum.requests += each.requests;
  sum.cache += cache;
  sum.notModified += each.notModified;
  sum.refused += each.shed;
  sum.service += Math.max(0, each.requests - cache - each.notModified - each.shed);
  sum.hits += each.cacheHits;
  sum.misses += each.cacheMisses;
  // A refusal because of a limit with status 503 is an error of the server too.
  sum.failed += each.serverErrors;
  each.latencyCounts.forEach((count, bucket) => (sum.latencies[bucket] = (sum.latencies[bucket] ?? 0) + count));
}

/**
 * A percentile of bucketed latencies in milliseconds, within its bucket by proportion.
 *
 * @param share such as 0.95
 * @returns undefined without requests, and Infinity above the last bound
 */
export function percentile(counts: readonly number[], bounds: readonly number[], share: number): number | undefined {
  const total = counts.reduce((sum, count) => sum + (count ?? 0), 0);
  if (total === 0) return undefined;
  let rest = total * share;
  for (const [bucket, count] of counts.entries()) {
    if ((count ?? 0) < rest) {
      rest -= count ?? 0;
      continue;
    }
    const high = bounds[bucket];
    if (high === undefined) return Infinity;
    const low = bounds[bucket - 1] ?? 0;
    return low + ((high - low) * rest) / (count || 1);
  }
  return Infinity;
}

/** Frames of the last seconds before the newest one. */
export function lastSeconds(frames: readonly Frame[], seconds: number): readonly Frame[] {
  const end = Date.parse(frames.at(-1)?.time ?? '');
  const from = frames.findIndex(({ time }) => Date.parse(time) > end - seconds * 1_000);
  return from < 0 ? [] : frames.slice(from);
}

export interface OperationFigures {
  operation: string;
  sum: Figures;
  /** Requests in parts of the time, for a sparkline. */
  parts: number[];
}

/** Figures of each operation, the busiest first, in one pass: an hour has 3,600 frames. */
export function operationsOf(frames: readonly Frame[], partCount = 30): OperationFigures[] {
  const found = new Map<string, OperationFigures>();
  const size = Math.max(1, Math.ceil(frames.length / partCount));
  const noParts = () => Array.from({ length: Math.ceil(frames.length / size) }, () => 0);
  for (const [index, frame] of frames.entries())
    for (const each of frame.operations) {
      const figures = found.get(each.operation) ?? { operation: each.operation, sum: noFigures(), parts: noParts() };
      found.set(each.operation, figures);
      add(figures.sum, each);
      const part = Math.floor(index / size);
      figures.parts[part] = (figures.parts[part] ?? 0) + each.requests;
    }
  return [...found.values()].sort((one, other) => other.sum.requests - one.sum.requests);
}

/** As `rapport.edge.v1.TrafficFrame`; zero values are present. */
export interface Frame {
  time: string;
  durationMs: number;
  partial: boolean;
  operations: OperationTraffic[];
  latencyBoundsMs: number[];
  services: { service: string; breaker: 'CLOSED' | 'OPEN' | 'HALF_OPEN'; changeLog?: 'CURRENT' | 'DELAYED' }[];
  budgets?: { key?: Budget; workspace?: Budget };
}

interface OperationTraffic {
  operation: string;
  requests: number;
  clientErrors: number;
  serverErrors: number;
  shed: number;
  cacheHits: number;
  cacheMisses: number;
  notModified: number;
  latencyCounts: number[];
}

export interface Budget {
  units: number;
  unitsLeft: number;
  resetSeconds: number;
}

export interface TrafficState {
  /** What this tab has seen, at most an hour, oldest first. */
  frames: readonly Frame[];
  connection: 'connecting' | 'live' | 'waiting';
  /** Why the stream broke, and when it is tried again. */
  problem?: unknown;
  retryAt?: number;
}

const mostFrames = 3_600;
const traffic = storeOf<TrafficState>({ frames: [], connection: 'connecting' }, () => {
  const watching = new AbortController();
  void watch(watching.signal);
  return () => watching.abort();
});

/** The traffic since this tab first showed it. The stream is read as long as a screen shows it. */
export const useTraffic = traffic.useValue;

/** Reads frames until it is ended. */
function watch(signal: AbortSignal): Promise<void> {
  const onFrame = (frame: Frame) =>
    traffic.set({ connection: 'live', frames: [...traffic.get().frames, frame].slice(-mostFrames) });
  const goesOn = (problem: unknown, waitMs: number) => {
    traffic.set({ frames: traffic.get().frames, connection: 'waiting', problem, retryAt: Date.now() + waitMs });
    return !(problem instanceof Problem && (problem.status === 401 || problem.status === 403));
  };
  return follow<Frame>('watchTraffic', () => ({}), signal, onFrame, goesOn);
}
