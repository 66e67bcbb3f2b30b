import { describe, expect, it } from 'vitest';
import { CachedAnswer, hasCurrent } from './cached-answer.js';
import type { CachedRoute } from './cached-route.js';
import { TagVersions } from './tags.js';

it('counts the memory of its tags: a short answer can have many', () => {
  const versions = new TagVersions();
  const bytesWith = (count: number) => {
    const snapshot = versions.snapshot(Array.from({ length: count }, (_, n) => `t/ore:${n}`));
    const body = Buffer.from('{}');
    const times = { loadedAt: 0, bornAt: 0, freshUntil: 1, staleUntil: 1 };
    return new CachedAnswer({} as CachedRoute, 'key', { body, etag: '"1"' }, times, snapshot).bytes;
  };
  expect(bytesWith(101) - bytesWith(1)).toBe(100 * 200);
});

it('refuses an etag that would start another header line', () => {
  const snapshot = new TagVersions().snapshot([]);
  const times = { loadedAt: 0, bornAt: 0, freshUntil: 1, staleUntil: 1 };
  const loaded = { body: Buffer.from('{}'), etag: '"1"\r\nset-cookie: a=1' };
  expect(() => new CachedAnswer({} as CachedRoute, 'key', loaded, times, snapshot)).toThrow('Invalid character');
});

describe('If-None-Match', () => {
  it.each(['"5"', 'W/"5"', '"4", "5"', '"a,b",W/"5"', '*', ' * '])('%s names "5"', (header) => {
    expect(hasCurrent(header, '"5"')).toBe(true);
  });

  it.each(['', '5', '"55"', '"4"', 'W/"4"', '"*"', '"4,5"'])('%s does not name "5"', (header) => {
    expect(hasCurrent(header, '"5"')).toBe(false);
  });

  it('compares weakly on both sides', () => expect(hasCurrent('"5"', 'W/"5"')).toBe(true));
});
