import { useSyncExternalStore } from 'react';
import { Problem, stream } from '../../contract/api.ts';

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

export interface OperationTraffic {
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
let state: TrafficState = { frames: [], connection: 'connecting' };
const listeners = new Set<() => void>();
let watching: AbortController | undefined;

/** The traffic since this tab first showed it. The stream is read as long as a screen shows it. */
export function useTraffic(): TrafficState {
  return useSyncExternalStore(subscribe, () => state);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (!watching) {
    watching = new AbortController();
    void watch(watching.signal);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    watching?.abort();
    watching = undefined;
  };
}

function set(next: TrafficState): void {
  state = next;
  for (const listener of listeners) listener();
}

/** Reads frames until it is ended; a stream that breaks is opened again, later each time. */
async function watch(signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    let problem: unknown;
    try {
      for await (const frame of stream<Frame>('watchTraffic', {}, signal)) {
        failures = 0;
        set({ connection: 'live', frames: [...state.frames, frame].slice(-mostFrames) });
      }
    } catch (error) {
      problem = error;
    }
    if (signal.aborted) return;
    const wait = Math.min(30_000, 500 * 2 ** failures) * (0.5 + Math.random() / 2);
    failures += 1;
    set({ frames: state.frames, connection: 'waiting', problem, retryAt: Date.now() + wait });
    if (problem instanceof Problem && (problem.status === 401 || problem.status === 403)) return;
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}
