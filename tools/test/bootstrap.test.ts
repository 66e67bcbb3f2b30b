import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

/** A repository with all its packages, which are none. */
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rapport-bootstrap-'));
  for (const name of ['tools', 'node_modules/.bin']) mkdirSync(join(folder, name), { recursive: true });
  copyFileSync(join(import.meta.dirname, '../bootstrap.mjs'), join(folder, 'tools/bootstrap.mjs'));
  for (const file of ['package-lock.json', 'node_modules/.package-lock.json'])
    writeFileSync(join(folder, file), '{"packages":{}}');
  writeFileSync(join(folder, 'tool.mjs'), 'console.log(process.execPath); process.exit(3);');
});
afterAll(() => rmSync(folder, { recursive: true }));

test('a tool runs on the installed Node where npm has no package of Node, and its exit code is kept', () => {
  const { status, stdout } = spawnSync(process.execPath, ['tools/bootstrap.mjs', 'tool.mjs'], {
    cwd: folder,
    encoding: 'utf8',
  });

  expect(stdout.trim()).toBe(process.execPath);
  expect(status).toBe(3);
});

test('a tool runs on the Node of the packages', () => {
  const own = join(folder, 'node_modules/.bin/node');
  writeFileSync(own, `#!/bin/sh\necho own "$@"\n`, { mode: 0o755 });

  const { stdout } = spawnSync(process.execPath, ['tools/bootstrap.mjs', 'tool.mjs'], {
    cwd: folder,
    encoding: 'utf8',
  });

  expect(stdout.trim()).toBe('own tool.mjs');
});
