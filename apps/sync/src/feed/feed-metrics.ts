import type { Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import { metrics } from '@rapport/platform';
import { Counter, Gauge, Histogram } from 'prom-client';

const lag = new Histogram({
  name: 'rapport_feed_lag_seconds',
  help: 'Time from a change to the commit of its results in sync.',
  buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600],
  registers: [metrics],
});

const losses = new Counter({
  name: 'rapport_feed_losses_total',
  help: 'Number of times that changes were or may have been missed: a gap in the log, or an expired cursor.',
  labelNames: ['why'] as const,
  registers: [metrics],
});

// Starts at 0: Prometheus sees no increase in the first sample of a series.
for (const why of ['gap', 'cursor-expired'] as const) losses.inc({ why }, 0);

let heardMs: number | undefined;

new Gauge({
  name: 'rapport_feed_silent_seconds',
  help: 'Time since the leader last received anything from the feed. The log sends a heartbeat every second.',
  registers: [metrics],
  collect() {
    this.set(heardMs === undefined ? Number.NaN : (Date.now() - heardMs) / 1_000);
  },
});

/** State of the deferred changes. */
let deferred: (() => Promise<DeferredState>) | undefined;

export interface DeferredState {
  quarantined: number;
  /** Age of the oldest one outside of quarantine. */
  oldestSeconds: number;
}

const oldest = new Gauge({
  name: 'rapport_feed_deferred_oldest_seconds',
  help: 'Age of the oldest deferred change. Changes are deferred so that their tenant delays no other.',
  registers: [metrics],
});

new Gauge({
  name: 'rapport_feed_quarantined_changes',
  help: 'Changes in quarantine: they could not be processed and wait for an operator.',
  registers: [metrics],
  async collect() {
    // NaN while the database is down.
    const state = await deferred?.().catch(() => undefined);
    this.set(state?.quarantined ?? Number.NaN);
    oldest.set(state?.oldestSeconds ?? Number.NaN);
  },
});

/** Sets the source of the gauges of deferred changes. */
export function reportDeferred(state: typeof deferred): void {
  deferred = state;
}

/** @param changes that are processed */
export function countTaken(changes: readonly Pick<Change, 'time'>[]): void {
  for (const { time = '' } of changes) {
    const timeMs = Date.parse(time);
    if (Number.isFinite(timeMs)) lag.observe(Math.max(0, Date.now() - timeMs) / 1_000);
  }
}

export function countLoss(why: 'gap' | 'cursor-expired'): void {
  losses.inc({ why });
}

/** The feed was received just now. `false`: another process is the leader. */
export function noteHeard(isReader: boolean): void {
  heardMs = isReader ? Date.now() : undefined;
}
