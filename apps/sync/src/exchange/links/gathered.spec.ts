import { expect, test } from 'vitest';
import { Gathered } from './gathered.ts';

/** Runs end when `end` is called, in their order. Odd numbers fail. */
function doubling() {
  const runs: (readonly number[])[] = [];
  const ends: (() => void)[] = [];
  const gathered = new Gathered<number, number>(
    async (items) => {
      runs.push(items);
      await new Promise<void>((resolve) => ends.push(resolve));
      const odd = items.find((item) => item % 2 === 1);
      if (odd !== undefined) throw new Error(`${odd} is odd`);
      return items.map((item) => 2 * item);
    },
    (item) => String(item % 100),
  );
  const end = async () => {
    await expect.poll(() => ends.length, { interval: 1 }).toBeGreaterThan(0);
    ends.shift()?.();
  };
  return { runs, end, ask: (...items: number[]) => items.map((item) => gathered.ask(item)) };
}

test('what is asked for at once runs at once, and what comes meanwhile runs together after it', async () => {
  const { runs, end, ask } = doubling();
  const first = ask(2, 4);
  await expect.poll(() => runs, { interval: 1 }).toHaveLength(1);
  const second = [...ask(6), ...ask(8)];
  await end();
  await end();

  expect(await Promise.all([...first, ...second])).toEqual([4, 8, 12, 16]);
  expect(runs).toEqual([
    [2, 4],
    [6, 8],
  ]);
});

test('items of one key run one after the other', async () => {
  const { runs, end, ask } = doubling();
  const answers = ask(2, 102, 4, 202);
  for (let run = 0; run < 3; run += 1) await end();

  expect(await Promise.all(answers)).toEqual([4, 204, 8, 404]);
  expect(runs).toEqual([[2, 4], [102], [202]]);
});

test('when a run of several fails, each runs alone, and only the one at fault fails', async () => {
  const { runs, end, ask } = doubling();
  const answers = Promise.allSettled(ask(2, 5, 4));
  for (let run = 0; run < 4; run += 1) await end();

  expect(await answers).toEqual([
    { status: 'fulfilled', value: 4 },
    { status: 'rejected', reason: new Error('5 is odd') },
    { status: 'fulfilled', value: 8 },
  ]);
  expect(runs).toEqual([[2, 5, 4], [2], [5], [4]]);
});

test('goes on after a failure', async () => {
  const { end, ask } = doubling();
  const failed = Promise.allSettled(ask(1));
  await end();
  await failed;
  const [answer] = ask(2);
  await end();

  expect(await answer).toBe(4);
});
