import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const documents = ['CONTRIBUTING.md', 'docs/record-types.md', 'docs/benchmarks.md']
  .map((path) => readFileSync(join(root, path), 'utf8'))
  .join('\n');

test('every target that a contributor runs is there', () => {
  const projects = new Map(
    globSync('{*,*/*}/project.json', { cwd: root, exclude: ['node_modules/**'] }).map((file) => {
      const { name, targets = {} } = JSON.parse(readFileSync(join(root, file), 'utf8')) as {
        name?: string;
        targets?: object;
      };
      return [name ?? dirname(file), Object.keys(targets)] as const;
    }),
  );
  const run = [...documents.matchAll(/nx run ([a-z0-9-]+):([a-z-]+)/g)].map(([, project = '', target = '']) => ({
    project,
    target,
  }));

  expect(run.length).toBeGreaterThan(10);
  expect(run.filter(({ project, target }) => !projects.get(project)?.includes(target))).toEqual([]);
});
