import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isBuilt, recordingBuild } from '../build-record.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'rapport-build-'));
  write('apps/edge/src/main.ts', 'source');
  write('package-lock.json', '{}');
});

afterEach(() => rmSync(root, { recursive: true }));

test('a build is current until a source or an output changes', async () => {
  expect(isBuilt(root)).toBe(false);

  await recordingBuild(root, build);
  expect(isBuilt(root)).toBe(true);

  write('apps/edge/test/main.test.ts', 'a test is not built from');
  expect(isBuilt(root)).toBe(true);

  for (const file of ['apps/edge/src/main.ts', 'package-lock.json', 'apps/edge/dist/main.js', 'apps/edge/src/new.ts']) {
    await recordingBuild(root, build);
    write(file, `other ${file}`);
    expect(isBuilt(root), file).toBe(false);
  }

  await recordingBuild(root, build);
  rmSync(join(root, 'apps/edge/dist'), { recursive: true });
  expect(isBuilt(root)).toBe(false);
});

test('a failed build is not current', async () => {
  expect(await recordingBuild(root, async () => !(await build()))).toBe(false);

  expect(isBuilt(root)).toBe(false);
});

test('a build during which a source changes is not current', async () => {
  const changed = async () => {
    write('apps/edge/src/main.ts', 'edited meanwhile');
    return build();
  };

  expect(await recordingBuild(root, changed)).toBe(true);

  expect(isBuilt(root)).toBe(false);
});

function build(): Promise<boolean> {
  write('apps/edge/dist/main.js', 'built');
  return Promise.resolve(true);
}

function write(file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
}
