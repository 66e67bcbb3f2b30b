import { readDefinition } from '../../../src/flows/definitions/definition-json.js';
import { Expressions } from '../../../src/flows/interpreter/expressions.js';
import type { StepRow } from '../../../src/flows/interpreter/history.js';
import type { StepOutcome } from '../../../src/flows/interpreter/interpret.js';
import { initialState, type RunState, type Token } from '../../../src/flows/interpreter/run-state.js';
import { Stepper } from '../../../src/flows/interpreter/stepper.js';
import type { ExpectedFlow } from './random-flow.ts';

const day = 86_400_000;

/** What is stored of a run while it waits. */
export interface StoredWait {
  state: RunState;
  /** Of the history. */
  rows: Pick<StepRow, 'number' | 'path' | 'key' | 'state' | 'attempt'>[];
  now: string;
}

/**
 * Follows a flow with its effects' fates. What is stored between two advances is JSON.
 *
 * @param stored where a run continues that another process, or another release, has left
 */
export function follow(
  { definition, fates }: Pick<ExpectedFlow, 'definition' | 'fates'>,
  below: (limit: number) => number,
  stored: StoredWait = { state: initialState(), rows: [], now: '2026-01-01T00:00:00Z' },
) {
  const steps = readDefinition({
    trigger: { manual: {} },
    ...definition,
  }).steps;
  let now = new Date(stored.now);
  const plan = {
    ...{
      runId: 'run',
      steps,
      values: { input: {} },
      expressions: new Expressions(),
      resolve: () => ({}),
    },
    ...{ maxSteps: 100_000, maxTime: new Date(Date.UTC(2026, 0) + 10_000 * day) },
  };
  const rows = new Map(stored.rows.map((row) => [row.number, row as StepRow]));
  const effects: string[] = [];
  const waits: StoredWait[] = [];
  let state = stored.state;
  let outcomes: StepOutcome[] = [];
  for (let round = 0; round < 20_000; round += 1) {
    const advance = new Stepper(plan, state, now).advance({ outcomes }).result;
    state = JSON.parse(JSON.stringify(advance.state)) as RunState;
    for (const row of advance.made) rows.set(row.number, row);
    for (const row of advance.changed) Object.assign(rows.get(row.number)!, row);
    if (advance.status !== 'RUNNING' && advance.status !== 'WAITING') return { ...advance, rows, effects, waits };
    const due = state.tokens.filter(({ phase }) => phase === 'EFFECT');
    // Some come now, in any order, and the others later.
    outcomes = due.filter((_, index) => index === 0 || below(2) === 0).map((token) => outcomeOf(token, rows, fates));
    if (below(2) === 0) outcomes.reverse();
    for (const { number, result } of outcomes) if ('output' in result) effects.push(rows.get(number)!.path);
    if (advance.status !== 'WAITING') continue;
    now = advance.wake!;
    waits.push(structuredClone({ state, rows: [...rows.values()], now: now.toISOString() }));
  }
  throw new Error(`The flow does not end: ${JSON.stringify(definition)}`);
}

function outcomeOf(
  { number = 0, attempt }: Token,
  rows: ReadonlyMap<number, StepRow>,
  fates: ExpectedFlow['fates'],
): StepOutcome {
  const { passing, ends } = fates.get(rows.get(number)!.key) ?? { passing: 0, ends: 'DONE' };
  const problem = { code: 'FAILED', message: '' };
  if (attempt <= passing) return { number, result: { problem, kind: 'PASSING' } };
  return {
    number,
    result: ends === 'DONE' ? { output: {} } : { problem, kind: 'FINAL' },
  };
}
