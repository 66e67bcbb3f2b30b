import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Definition } from './flow-engine.ts';
import { follow } from './follow-flow.ts';
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
}

const file = join(import.meta.dirname, 'golden-runs.jsonl');
const lines = readFileSync(file, 'utf8').trim().split('\n');
const runs = lines.map((line) => JSON.parse(line) as GoldenRun);

test.each(runs.map((run) => [run.name, run] as const))('a run of %s has the history that it always had', (_, run) => {
  const { rows } = follow({ ...run, fates: new Map(Object.entries(run.fates)) }, drawsOf(run.seed));

  expect([...rows.values()].map(({ path, state, attempt }) => `${path} ${state} ${attempt}`)).toEqual(run.steps);
});
