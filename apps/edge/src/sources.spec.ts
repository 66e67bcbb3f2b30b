import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

const files = globSync('**/*.ts', { cwd: import.meta.dirname }).filter((file) => !file.endsWith('.spec.ts'));

const imports = new Map(
  files.map((file) => {
    const text = readFileSync(join(import.meta.dirname, file), 'utf8');
    const names = [...text.matchAll(/from '(\.[^']*)\.js'/g)].map(([, name = '']) => name);
    return [file, names.map((name) => `${join(dirname(file), name)}.ts`)];
  }),
);

it('no source of the edge imports itself by way of others, types included', () => {
  const rest = new Map(imports);
  const isDone = (name: string) => !rest.has(name);
  for (let size = -1; size !== rest.size;) {
    size = rest.size;
    for (const [file, names] of rest) if (names.every(isDone)) rest.delete(file);
  }
  expect([...rest.keys()]).toEqual([]);
});

it('no folder of the edge has more than 16 sources', () => {
  const counts = new Map<string, number>();
  for (const file of files) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
  expect([...counts].filter(([, count]) => count > 16)).toEqual([]);
});
