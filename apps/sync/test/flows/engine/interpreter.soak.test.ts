import { printedSeed, printTally, sizeOf } from '@rapport/testing';
import { expect, test } from 'vitest';
import { follow } from './follow-flow.ts';
import { drawsOf, RandomFlows } from './random-flow.ts';

const flowCount = sizeOf('RANDOM_FLOWS', { short: 120, long: 50_000 });

test('random flows have the effects and the end of a reference, in any order of outcomes', () => {
  const seed = printedSeed('interpreter');
  const below = drawsOf(seed);
  const flows = new RandomFlows(below);
  const tally: Record<string, number> = {};
  for (let count = 0; count < flowCount; count += 1) {
    const flow = flows.next();
    const { status, effects, rows, state } = follow(flow, below);

    const text = JSON.stringify(flow.definition);
    expect({ status, effects: effects.toSorted() }, text).toEqual({
      status: flow.status,
      effects: flow.effects,
    });
    expect(new Set(effects).size, text).toBe(effects.length);
    if (status === 'SUCCEEDED') {
      expect(state, text).toMatchObject({ tokens: [], frames: {} });
      expect(
        [...rows.values()].filter(({ endTime }) => endTime === undefined),
        text,
      ).toEqual([]);
    }
    tally[status] = (tally[status] ?? 0) + 1;
    for (const { kind } of rows.values()) tally[kind] = (tally[kind] ?? 0) + 1;
  }
  printTally('interpreter', { flows: flowCount, ...tally });
}, 600_000);
