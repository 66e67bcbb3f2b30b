import type { Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import { metrics } from '@rapport/platform';
import { Counter, Gauge, Histogram } from 'prom-client';

const lag = new Histogram({
  name: 'rapport_feed_lag_seconds',
  help: 'Time from a change until what follows from it was committed here.',
  buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600],
  registers: [metrics],
});

const losses = new Counter({
  name: 'rapport_feed_losses_total',
  help: 'Times at which changes were missed, or may have been: a gap of the log, or a cursor that was too old.',
  labelNames: ['why'] as const,
  registers: [metrics],
});

// From 0 on: of a series that begins with 1 Prometheus sees no increase.
for (const why of ['gap', 'cursor-expired'] as const) losses.inc({ why }, 0);

let heardMs: number | undefined;

new Gauge({
  name: 'rapport_feed_silent_seconds',
  help: 'Time since the feed was heard of by this process, which reads it. The log speaks every second.',
  registers: [metrics],
  collect() {
    this.set(heardMs === undefined ? Number.NaN : (Date.now() - heardMs) / 1_000);
  },
});

/** What is asked for the state of the changes that were put aside. */
let deferred: (() => Promise<DeferredState>) | undefined;

export interface DeferredState {
  quarantined: number;
  /** Of those that wait for their tenant. */
  oldestSeconds: number;
}

const oldest = new Gauge({
  name: 'rapport_feed_deferred_oldest_seconds',
  help: 'How long the change waits that was put aside for longest, so that its tenant holds up no other.',
  registers: [metrics],
});

new Gauge({
  name: 'rapport_feed_quarantined_changes',
  help: 'Changes that could not be processed, and wait for an operator.',
  registers: [metrics],
  async collect() {
    // While the database is away nobody knows.
    const state = await deferred?.().catch(() => undefined);
    this.set(state?.quarantined ?? Number.NaN);
    oldest.set(state?.oldestSeconds ?? Number.NaN);
  },
});

/** Says where the gauges of the changes that were put aside look. */
export function reportDeferred(state: typeof deferred): void {
  deferred = state;
}

/** @param changes that are done with */
export function countTaken(changes: readonly Pick<Change, 'time'>[]): void {
  for (const { time = '' } of changes) {
    const timeMs = Date.parse(time);
    if (Number.isFinite(timeMs)) lag.observe(Math.max(0, Date.now() - timeMs) / 1_000);
  }
}

export function countLoss(why: 'gap' | 'cursor-expired'): void {
  losses.inc({ why });
}

/** The feed was heard of now; `false`: it is read by another process. */
export function noteHeard(isReader: boolean): void {
  heardMs = isReader ? Date.now() : undefined;
}
