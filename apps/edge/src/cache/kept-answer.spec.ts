import { expect, it } from 'vitest';
import type { CachedRoute } from './cached-route.js';
import { Floors } from './floors.js';
import { KeptAnswer } from './kept-answer.js';

it('counts the floors that it stands on, which a short answer can have many of', () => {
  const floors = new Floors();
  const bytesOn = (count: number) => {
    const footing = floors.stand(Array.from({ length: count }, (_, n) => `t/ore:${n}`));
    const body = Buffer.from('{}');
    return new KeptAnswer({} as CachedRoute, 'key', { body, etag: '"1"' }, 0, 0, 1, 1, footing).bytes;
  };
  expect(bytesOn(101) - bytesOn(1)).toBe(100 * 200);
});
