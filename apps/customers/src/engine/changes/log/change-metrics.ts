import { metrics } from '@rapport/platform';
import { Counter, Gauge, Histogram } from 'prom-client';

const lag = new Histogram({
  name: 'rapport_change_lag_seconds',
  help: 'Time from the write of a change until it was sequenced, or delivered to a subscriber.',
  labelNames: ['to'] as const,
  buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60],
  registers: [metrics],
});

/** Reads the state of the outbox. Set once in each process of the service. */
let outbox: (() => Promise<{ waiting: number; oldestSeconds: number }>) | undefined;

const oldest = new Gauge({
  name: 'rapport_outbox_oldest_seconds',
  help: 'Age of the oldest committed change that has no position yet.',
  registers: [metrics],
});

new Gauge({
  name: 'rapport_outbox_changes',
  help: 'Committed changes that have no position yet.',
  registers: [metrics],
  async collect() {
    // Not set while the database is unreachable.
    const state = await outbox?.().catch(() => undefined);
    this.set(state?.waiting ?? Number.NaN);
    oldest.set(state?.oldestSeconds ?? Number.NaN);
  },
});

/** Registers the source of the outbox gauges. */
export function reportOutbox(state: typeof outbox): void {
  outbox = state;
}

/** Reads the size of the log, and has what it may take. Set once in each process of the service. */
let log: { bytes: () => Promise<number>; mostBytes?: number | undefined } | undefined;

const mostBytes = new Gauge({
  name: 'rapport_change_log_limit_bytes',
  help: 'Bytes above which the oldest changes are dropped before their time. NaN without a limit.',
  registers: [metrics],
});

new Gauge({
  name: 'rapport_change_log_bytes',
  help: 'Bytes of the change log with its indexes.',
  registers: [metrics],
  async collect() {
    // Not set while the database is unreachable.
    this.set((await log?.bytes().catch(() => undefined)) ?? Number.NaN);
    mostBytes.set(log?.mostBytes ?? Number.NaN);
  },
});

const droppedEarly = new Counter({
  name: 'rapport_change_log_early_drops_total',
  help: 'Partitions of the change log that were dropped before their time, because the log took too many bytes.',
  registers: [metrics],
});

/** Registers the source of the gauges of the log. */
export function reportLog(state: typeof log): void {
  log = state;
}

export function countDroppedEarly(partitions: number): void {
  droppedEarly.inc(partitions);
}

/** @param agesSeconds of changes when they got their positions */
export function countSequenced(agesSeconds: number[]): void {
  for (const age of agesSeconds) lag.observe({ to: 'sequenced' }, Math.max(0, age));
}

/** @param timesMs creation times of changes that are being sent */
export function countDelivered(timesMs: number[]): void {
  const nowMs = Date.now();
  for (const timeMs of timesMs) lag.observe({ to: 'delivered' }, Math.max(0, nowMs - timeMs) / 1_000);
}
