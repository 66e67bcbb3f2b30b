import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Credit } from './credit.js';

it('is given back when half of it is used up: as much as was used since', async () => {
  const credit = new Credit({ credit: 10 }, (amount) => ({ credit: amount }));
  const requests = credit.requests();
  expect(await requests.next()).toEqual({ done: false, value: { credit: 10 } });

  for (let time = 0; time < 2; time += 1) {
    let isGiven = false;
    const request = requests.next().finally(() => (isGiven = true));
    credit.give(4);
    await turn();
    expect(isGiven).toBe(false);
    credit.give(1);
    expect(await request).toEqual({ done: false, value: { credit: 5 } });
  }
});
