import { expect, test } from 'vitest';
import { KeyRing } from './retired-keys.js';

const [current, retired] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];

test('what another process renews between two attempts is found by its current key', async () => {
  let holder = retired;
  const tried: Buffer[] = [];
  const attempt = (key: Buffer): Promise<string | undefined> => {
    tried.push(key);
    const found = key === holder ? 'row' : undefined;
    holder = current;
    return Promise.resolve(found);
  };

  expect(await new KeyRing('TEST_KEY', current, [retired]).findLater(attempt)).toEqual({
    found: 'row',
    isRetired: false,
  });
  expect(tried).toEqual([current, retired, current]);
});

test('a single key is tried once', async () => {
  let attempts = 0;
  const none = () => Promise.resolve(void (attempts += 1));

  expect(await new KeyRing('TEST_KEY', current).findLater(none)).toBeUndefined();
  expect(attempts).toBe(1);
});
