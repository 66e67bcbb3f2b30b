import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const document = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8');

test('every target that CONTRIBUTING.md runs is there', () => {
  const projects = new Map(
    globSync('{*,*/*}/project.json', { cwd: root, exclude: ['node_modules/**'] }).map((file) => {
      const { name, targets = {} } = JSON.parse(readFileSync(join(root, file), 'utf8')) as {
        name?: string;
        targets?: object;
      };
      return [name ?? dirname(file), Object.keys(targets)] as const;
    }),
  );
  const run = [...document.matchAll(/nx run ([a-z0-9-]+):([a-z-]+)/g)].map(([, project = '', target = '']) => ({
    project,
    target,
  }));

  expect(run.length).toBeGreaterThan(10);
  expect(run.filter(({ project, target }) => !projects.get(project)?.includes(target))).toEqual([]);
});
