import { metrics } from '@rapport/platform';
import { Counter } from 'prom-client';

const runs = new Counter({
  name: 'rapport_sync_runs_total',
  help: 'Ended runs of mappings by the reason of their failure, or SUCCEEDED.',
  labelNames: ['result'] as const,
  registers: [metrics],
});

const failedPairs = new Counter({
  name: 'rapport_sync_failed_pairs_total',
  help: 'Pairs whose exchange failed unexpectedly and will be retried. The log has the reason.',
  registers: [metrics],
});

// Starts at 0: Prometheus sees no increase in the first sample of a series.
runs.inc({ result: 'INTERNAL' }, 0);

/** @param reason of its failure */
export function countRun(reason = 'SUCCEEDED'): void {
  runs.inc({ result: reason });
}

export function countFailedPair(): void {
  failedPairs.inc();
}
