import { expect, it } from 'vitest';
import { sharedInTurn } from './shared-by-files.js';

it('a fixture runs until another one of its kind is used, and starts again when it is used after that', async () => {
  const events: string[] = [];
  const fixture = (name: string) =>
    sharedInTurn(
      async () => {
        events.push(`${name} starts`);
        return name;
      },
      async (shared) => void events.push(`${shared} ends`),
    );
  const [one, other] = [fixture('one'), fixture('other')];

  expect([await one(), await one(), await other(), await one()]).toEqual(['one', 'one', 'other', 'one']);

  expect(events).toEqual(['one starts', 'one ends', 'other starts', 'other ends', 'one starts']);
});

it('a fixture whose start failed does not stop the next one', async () => {
  const broken = sharedInTurn(
    () => Promise.reject(new Error('no port')),
    () => Promise.reject(new Error('never started')),
  );
  const working = sharedInTurn(
    async () => 'working',
    async () => undefined,
  );

  await expect(broken()).rejects.toThrow('no port');

  expect(await working()).toBe('working');
});
