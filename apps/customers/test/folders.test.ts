import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { folders } from '../folders.ts';

const root = join(import.meta.dirname, '../src');
const sources = globSync('{engine,domain}/**/*.ts', { cwd: root }).filter((file) => !file.endsWith('.spec.ts'));

test('every folder has a position in the order', () => {
  const found = new Set(sources.map((file) => file.split('/').slice(0, 2).join('/')));

  expect([...found].sort()).toEqual([...folders].sort());
});

test('no folder has more than 16 sources', () => {
  const counts = new Map<string, number>();
  for (const folder of sources.map(dirname)) counts.set(folder, (counts.get(folder) ?? 0) + 1);

  expect([...counts].filter(([, count]) => count > 16)).toEqual([]);
});
