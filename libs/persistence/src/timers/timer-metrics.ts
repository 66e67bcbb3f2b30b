import { metrics } from '@rapport/platform';
import { Counter, Gauge, Histogram } from 'prom-client';

const lateness = new Histogram({
  name: 'rapport_timer_lateness_seconds',
  help: 'Time from the due time of a timer until its effect was committed.',
  buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3_600],
  registers: [metrics],
});

const failures = new Counter({
  name: 'rapport_timer_failures_total',
  help: 'Failures of timers, each of which is tried again.',
  labelNames: ['kind'] as const,
  registers: [metrics],
});

/** Reads the state of the timers. Set once in each process of a service with timers. */
let backlog: (() => Promise<{ oldestSeconds: number; failing: number }>) | undefined;

const failing = new Gauge({
  name: 'rapport_timers_failing',
  help: 'Timers that have failed and are tried again later.',
  registers: [metrics],
});

new Gauge({
  name: 'rapport_timers_oldest_seconds',
  help: 'How long the oldest timer has been due. One that failed is due anew with its next try.',
  registers: [metrics],
  async collect() {
    // Not set while the database is unreachable.
    const state = await backlog?.().catch(() => undefined);
    this.set(state?.oldestSeconds ?? Number.NaN);
    failing.set(state?.failing ?? Number.NaN);
  },
});

/** Registers the source of the gauges. */
export function reportTimers(state: typeof backlog): void {
  backlog = state;
}

export function countFired(lateSeconds: readonly number[]): void {
  for (const seconds of lateSeconds) lateness.observe(seconds);
}

export function countFailed(kind: string): void {
  failures.inc({ kind });
}
