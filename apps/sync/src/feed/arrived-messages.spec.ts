import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { arrivedMessages } from './arrived-messages.js';

const size = (message: number[]) => message.length;

test('what arrives while a batch is worked on is the next one, up to a weight', async () => {
  async function* messages() {
    yield [1];
    // The reader takes it.
    for (let turns = 0; turns < 3; turns += 1) await turn();
    yield* [[2], [3], [4, 5], [6, 7, 8, 9, 10], [11]];
  }
  const batches: number[][] = [];
  for await (const batch of arrivedMessages(messages(), size, 4)) {
    batches.push(batch.flat());
    // Longer than the messages take to arrive.
    for (let turns = 0; turns < 20; turns += 1) await turn();
  }
  expect(batches).toEqual([[1], [2, 3, 4, 5], [6, 7, 8, 9, 10], [11]]);
});

test('a stream that breaks gives what came before, and then its error', async () => {
  async function* messages() {
    yield* [[1], [2]];
    await turn();
    throw new Error('It broke.');
  }
  const taken: number[] = [];
  const reading = async () => {
    for await (const batch of arrivedMessages(messages(), size, 9)) taken.push(...batch.flat());
  };
  await expect(reading()).rejects.toThrow('It broke.');
  expect(taken).toEqual([1, 2]);
});
