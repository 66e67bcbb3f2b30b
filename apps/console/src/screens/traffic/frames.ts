import { useSyncExternalStore } from 'react';
import { follow, Problem } from '../../contract/api.ts';

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

/** Reads frames until it is ended. */
function watch(signal: AbortSignal): Promise<void> {
  const onFrame = (frame: Frame) => set({ connection: 'live', frames: [...state.frames, frame].slice(-mostFrames) });
  const goesOn = (problem: unknown, waitMs: number) => {
    set({ frames: state.frames, connection: 'waiting', problem, retryAt: Date.now() + waitMs });
    return !(problem instanceof Problem && (problem.status === 401 || problem.status === 403));
  };
  return follow<Frame>('watchTraffic', () => ({}), signal, onFrame, goesOn);
}
