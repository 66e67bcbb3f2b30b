import { metrics } from '@rapport/platform';
import { Counter, Gauge, Histogram } from 'prom-client';
import type { Verdict } from './finish-attempt.js';

const attempts = new Counter({
  name: 'rapport_webhook_attempts_total',
  help: 'Attempts to deliver a webhook, by the next state of the delivery.',
  labelNames: ['next'] as const,
  registers: [metrics],
});

const firstAttempt = new Histogram({
  name: 'rapport_webhook_first_attempt_seconds',
  help: 'Time from a change to the first attempt of its delivery, without the time in which the delivery gathers events.',
  buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600],
  registers: [metrics],
});

/** Reads the state of the jobs. */
let jobs: (() => Promise<{ count: number; oldestSeconds: number }>) | undefined;

const oldest = new Gauge({
  name: 'rapport_webhook_oldest_due_seconds',
  help: 'Delay of the delivery that has been due for longest.',
  registers: [metrics],
});

new Gauge({
  name: 'rapport_webhook_pending_jobs',
  help: 'Pending jobs: one per record and endpoint with a pending delivery.',
  registers: [metrics],
  async collect() {
    // NaN while the database is down.
    const state = await jobs?.().catch(() => undefined);
    this.set(state?.count ?? Number.NaN);
    oldest.set(state?.oldestSeconds ?? Number.NaN);
  },
});

/** Sets the source of the gauges of jobs. */
export function reportJobs(state: typeof jobs): void {
  jobs = state;
}

/** @param ageMs age of the event, for its first attempt */
export function countAttempt({ next }: Verdict, ageMs: number | undefined): void {
  attempts.inc({ next });
  if (ageMs !== undefined) firstAttempt.observe(Math.max(0, ageMs) / 1_000);
}
