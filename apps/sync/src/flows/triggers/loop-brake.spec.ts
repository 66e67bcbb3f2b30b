import { expect, test } from 'vitest';
import { brakeOf, chainBehind, maxHops } from './loop-brake.js';

const link = (flowId: string, recordId?: string) => ({
  runId: `run of ${flowId}`,
  flowId,
  ...(recordId && { recordId }),
});
const candidate = { flowId: 'a', recordId: '1', followsItself: false };

test('a flow does not start from a change that it has caused for the same record, and the path is named', () => {
  const chain = [link('z', '9'), link('a', '1'), link('b', '2'), link('c')];

  expect(brakeOf(candidate, chain, 4)).toEqual({
    reason: 'LOOP',
    explanation: 'flows/a (1) → flows/b (2) → flows/c → flows/a (1)',
  });
});

test.each([
  ['for another record', [link('a', '2')], candidate],
  ['by another flow', [link('b', '1')], candidate],
  ['if it follows itself', [link('a', '1')], { ...candidate, followsItself: true }],
])('it starts %s', (_, chain, of) => {
  expect(brakeOf(of, chain, chain.length)).toBeUndefined();
});

test('a chain without end stops after the most hops, even of a flow that follows itself', () => {
  const chain = [link('a', '1')];

  expect(brakeOf({ ...candidate, followsItself: true }, chain, maxHops - 1)).toBeUndefined();
  expect(brakeOf({ ...candidate, followsItself: true }, chain, maxHops)).toMatchObject({ reason: 'HOP_LIMIT' });
});

test('random graphs of flows over random records end, within the most hops', () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
  let braked = 0;
  for (let graph = 0; graph < 60; graph++) {
    let started = 0;
    const [flows, records] = [1 + random(3), 1 + random(3)];
    // Each run writes at most two records, each of which starts all flows: (2 flows)^hop / 2 runs at most at each hop.
    const most = Array.from({ length: maxHops }, (_, hop) => (2 * flows) ** (hop + 1) / 2).reduce(
      (sum, each) => sum + each,
    );
    // Each flow writes some records, whose changes start some flows.
    const writes = Array.from({ length: flows }, () => Array.from({ length: 1 + random(2) }, () => random(records)));
    const starts = Array.from({ length: records }, () =>
      Array.from({ length: flows }, (_, flow) => flow).filter(() => random(2) === 0),
    );
    const follows = Array.from({ length: flows }, () => random(8) === 0);
    const open = [{ record: 0, hop: 0, chain: [] as ReturnType<typeof chainBehind> }];
    for (let next = open.pop(); next; next = open.pop()) {
      for (const flow of starts[next.record] ?? []) {
        const { record, hop, chain } = next;
        const [flowId, recordId] = [String(flow), String(record)];
        if (brakeOf({ flowId, recordId, followsItself: follows[flow] ?? false }, chain, hop)) braked++;
        else {
          started++;
          if (hop + 1 > maxHops) throw new Error(`The seed ${seed} has too many hops.`);
          const behind = chainBehind({ runId: String(started), flowId, recordId, chain });
          for (const written of writes[flow] ?? []) open.push({ record: written, hop: hop + 1, chain: behind });
        }
        if (started > most) throw new Error(`The seed ${seed} does not end.`);
      }
    }
  }
  expect(braked, `seed ${seed}`).toBeGreaterThan(0);
});
