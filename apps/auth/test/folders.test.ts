import { globSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { folders } from '../folders.ts';

const root = join(import.meta.dirname, '../src');
const sources = globSync('**/*.ts', { cwd: root }).filter((file) => !file.endsWith('.spec.ts'));
const usedFolders = [...new Set(sources.map(dirname))].filter((folder) => folder !== '.' && folder !== 'oidc');

test('folders.ts lists every folder', () => {
  const unplaced = usedFolders.filter((folder) => !folders.some((each) => `${folder}/`.startsWith(`${each}/`)));

  expect(unplaced).toEqual([]);
  expect(folders.filter((folder) => !usedFolders.includes(folder))).toEqual([]);
});

test('the top folder has at most 17 entries, and no folder more than 16 sources', () => {
  const counts = new Map<string, number>();
  for (const folder of sources.map(dirname)) counts.set(folder, (counts.get(folder) ?? 0) + 1);

  expect(readdirSync(root).length).toBeLessThanOrEqual(17);
  expect([...counts].filter(([, count]) => count > 16)).toEqual([]);
});
