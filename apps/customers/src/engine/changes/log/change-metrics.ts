import { metrics } from '@rapport/platform';
import { Gauge, Histogram } from 'prom-client';

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

/** @param agesSeconds of changes when they got their positions */
export function countSequenced(agesSeconds: number[]): void {
  for (const age of agesSeconds) lag.observe({ to: 'sequenced' }, Math.max(0, age));
}

/** @param timesMs creation times of changes that are being sent */
export function countDelivered(timesMs: number[]): void {
  const nowMs = Date.now();
  for (const timeMs of timesMs) lag.observe({ to: 'delivered' }, Math.max(0, nowMs - timeMs) / 1_000);
}
