import { globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';

/** The folders of `src`, lowest first. Files import from their own folder and from those before it. */
const folders = ['migrations', 'connectors', 'outgoing-http', 'storage', 'webhooks', 'exchange', 'feed', 'serve'];

const root = join(import.meta.dirname, '../src');
const sources = globSync('*/**/*.ts', { cwd: root });

test('folders import one way', () => {
  const wrong = sources.flatMap((file) =>
    importsOf(file)
      .filter((imported) => folders.indexOf(topOf(imported)) > folders.indexOf(topOf(file)) || !imported.includes('/'))
      .map((imported) => `${file} imports ${imported}`),
  );

  expect(wrong).toEqual([]);
});

test('every folder has its place, and the top shows at most 15 entries', () => {
  const entries = readdirSync(root);

  expect(entries.filter((entry) => !entry.endsWith('.ts')).sort()).toEqual([...folders].sort());
  expect(entries.length).toBeLessThanOrEqual(15);
});

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/ from '(\.[^']+)'/g)].map(([, path = '']) => normalize(join(dirname(file), path)));
}

function topOf(path: string): string {
  return path.split('/', 1)[0] ?? '';
}
