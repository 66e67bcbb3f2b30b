import { metrics } from '@rapport/platform';
import { Counter } from 'prom-client';

const runs = new Counter({
  name: 'rapport_sync_runs_total',
  help: 'Runs of mappings that have ended, by the reason of their failure; SUCCEEDED when there was none.',
  labelNames: ['result'] as const,
  registers: [metrics],
});

const failedPairs = new Counter({
  name: 'rapport_sync_failed_pairs_total',
  help: 'Pairs that could not be exchanged for a reason that only the log tells, and are tried again.',
  registers: [metrics],
});

// From 0 on: of a series that begins with 1 Prometheus sees no increase.
runs.inc({ result: 'INTERNAL' }, 0);

/** @param reason of its failure */
export function countRun(reason = 'SUCCEEDED'): void {
  runs.inc({ result: reason });
}

export function countFailedPair(): void {
  failedPairs.inc();
}
