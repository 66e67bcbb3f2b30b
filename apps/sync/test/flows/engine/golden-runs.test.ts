import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Definition } from './flow-engine.ts';
import { follow, type StoredWait } from './follow-flow.ts';
import { drawsOf, type Fate } from './random-flow.ts';

/** A run of a definition that a release has published: later releases follow it in the same way. */
interface GoldenRun {
  name: string;
  definition: Definition;
  fates: Record<string, Fate>;
  /** Determines the order of outcomes. */
  seed: number;
  /** `path state attempt` of the history. */
  steps: string[];
  /** What a release has stored of it while it waited, and the history that it has from there. */
  waits: { stored: StoredWait; seed: number; steps: string[] }[];
}

const file = join(import.meta.dirname, 'golden-runs.jsonl');
const lines = readFileSync(file, 'utf8').trim().split('\n');
const runs = lines.map((line) => JSON.parse(line) as GoldenRun);

const named = runs.map((run) => [run.name, run] as const);

function historyOf(run: GoldenRun, seed: number, stored?: StoredWait): string[] {
  const { rows } = follow({ ...run, fates: new Map(Object.entries(run.fates)) }, drawsOf(seed), stored);
  return [...rows.values()].map(({ path, state, attempt }) => `${path} ${state} ${attempt}`);
}

test.each(named)('a run of %s has the history that it always had', (_, run) => {
  expect(historyOf(run, run.seed)).toEqual(run.steps);
});

test.each(named)('a run of %s that another release has left at a wait goes on from there', (_, run) => {
  for (const { stored, seed, steps } of run.waits) expect(historyOf(run, seed, stored)).toEqual(steps);
});
