import type { Step } from '@rapport/contracts/rapport/flows/v1/steps';
import { metrics } from '@rapport/platform';
import { Counter, Gauge, Histogram } from 'prom-client';
import type { Advance } from '../interpreter/interpret.js';
import type { RunState } from '../interpreter/run-state.js';
import { placedStep, stepKind } from '../interpreter/step-tree.js';
import type { FlowDelays, NewClaim } from './claim-runs.js';

const runs = new Counter({
  name: 'rapport_flow_runs_total',
  help: 'Runs of flows that have begun or ended by themselves, or became uncertain.',
  labelNames: ['event'] as const,
  registers: [metrics],
});

const events = ['STARTED', 'SUCCEEDED', 'FAILED', 'UNCERTAIN', 'COMPENSATED'] as const;

// Starts at 0: Prometheus sees no increase in the first sample of a series.
for (const event of events) runs.inc({ event }, 0);

const steps = new Counter({
  name: 'rapport_flow_steps_total',
  help: 'Attempts of steps that have ended, by the kind of the step.',
  labelNames: ['kind', 'outcome'] as const,
  registers: [metrics],
});

const delay = new Histogram({
  name: 'rapport_flow_delay_seconds',
  help: 'Time from when a run was due, such as the end of a wait, until a process has claimed it.',
  buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600],
  registers: [metrics],
});

/** Reads the delays of what is due. */
let delays: (() => Promise<FlowDelays>) | undefined;

new Gauge({
  name: 'rapport_flow_oldest_due_seconds',
  help: 'Delay of what has been due for longest: a run, a time of a flow, or a notice of an approval.',
  labelNames: ['of'] as const,
  registers: [metrics],
  async collect() {
    // NaN while the database is down.
    const now = await delays?.().catch(() => undefined);
    for (const of of ['runs', 'clocks', 'notices'] as const) this.set({ of }, now?.[of] ?? Number.NaN);
  },
});

/** Sets the source of the gauge of delays. */
export function reportDelays(state: typeof delays): void {
  delays = state;
}

export function countClaims(claimed: readonly NewClaim[]): void {
  for (const { lateSeconds } of claimed) delay.observe(lateSeconds);
}

export function countRun(event: (typeof events)[number]): void {
  runs.inc({ event });
}

/** Counts what a committed advance has done. @param before state of the run before it */
export function countAdvance(before: RunState, plan: readonly Step[], advance: Advance): void {
  if (before.rowCount === 0) countRun('STARTED');
  const { status } = advance;
  if (status !== 'RUNNING' && status !== 'WAITING') countRun(status);
  const paths = new Map(before.tokens.map(({ number, path }) => [number, path]));
  for (const { number, kind, path = paths.get(number), state, endTime } of [...advance.made, ...advance.changed]) {
    if (state === undefined || endTime === undefined) continue;
    const known = kind ?? (path === undefined ? undefined : stepKind(placedStep(plan, path).step));
    // Steps around others have no place of their own in the state.
    if (known !== undefined) steps.inc({ kind: known, outcome: state });
  }
}
