import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folders } from '../folders.ts';

test('every folder has its place, and the top shows at most 17 entries', () => {
  const entries = readdirSync(join(import.meta.dirname, '../src'));

  expect(entries.filter((entry) => !entry.endsWith('.ts')).sort()).toEqual([...folders].sort());
  expect(entries.length).toBeLessThanOrEqual(17);
});
