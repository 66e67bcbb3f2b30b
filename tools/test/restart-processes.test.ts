import { expect, test } from 'vitest';
import { processRestarter } from '../restart-processes.ts';

test('waits longer each time that a process dies again', async () => {
  const lines: string[] = [];
  const stop = new AbortController();
  const onExit = processRestarter((line) => lines.push(line), stop.signal, 1);
  let tries = 0;
  const restart = () => {
    tries += 1;
    if (tries === 3) stop.abort();
    return Promise.reject(new Error(`ended early for the ${tries}. time`));
  };

  onExit({ name: 'edge', reason: 'edge was ended by SIGKILL', restart });

  await expect.poll(() => tries).toBe(3);
  const pauses = lines.flatMap((line) => /again in (.+)/.exec(line)?.[1] ?? []);
  expect(pauses).toEqual(['0.001 s', '0.002 s', '0.004 s']);
});
