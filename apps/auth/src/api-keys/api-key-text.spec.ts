import { randomBytes } from 'node:crypto';
import { tenantOfApiKey } from '@rapport/contracts';
import { v7 } from 'uuid';
import { expect, test } from 'vitest';
import { generateApiKey, hashApiKey, visiblePrefix } from './api-key-text.js';

const edges = ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff', v7()];

test.each(edges)('a key has 70 characters and contains its tenant %s', (tenantId) => {
  const key = generateApiKey(tenantId);

  expect(key).toMatch(/^rpt_live_[0-9A-Za-z]{61}$/);
  expect(tenantOfApiKey(key)).toBe(tenantId);
});

test('a key contains its mode, live or test', () => {
  const tenantId = v7();

  expect(generateApiKey(tenantId, 'test')).toMatch(/^rpt_test_[0-9A-Za-z]{61}$/);
  expect(tenantOfApiKey(generateApiKey(tenantId, 'test'))).toBe(tenantId);
});

test('a change of any character is detected', () => {
  const key = generateApiKey(v7());

  for (let at = 0; at < key.length; at += 1) {
    const other = key[at] === 'a' ? 'b' : 'a';
    expect(tenantOfApiKey(key.slice(0, at) + other + key.slice(at + 1))).toBeUndefined();
  }
});

test.each(['', 'rpt_live_', ` ${generateApiKey(v7())}`, `${generateApiKey(v7())}\n`, 'x'.repeat(70)])(
  '%j is not a key',
  (text) => {
    expect(tenantOfApiKey(text)).toBeUndefined();
  },
);

test('the visible prefix distinguishes keys of one tenant', () => {
  const tenantId = v7();
  const shown = Array.from({ length: 100 }, () => visiblePrefix(generateApiKey(tenantId)));

  expect(new Set(shown).size).toBe(100);
});

test('the hash depends on the key of the service', () => {
  const key = generateApiKey(v7());

  expect(hashApiKey(randomBytes(32), key)).not.toEqual(hashApiKey(randomBytes(32), key));
});
