import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { rotateLogs } from '../rotate-logs.ts';

const limit = 16 * 1_024 * 1_024;

let folder: string;
let log: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rapport-logs-'));
  log = join(folder, 'edge.log');
  return () => rm(folder, { recursive: true });
});

test('a log that is too long is rotated, and its process continues at the start of the file', async () => {
  const descriptor = openSync(log, 'a', 0o600);
  const child = spawn(process.execPath, ['-e', `process.stdin.on('data', (data) => process.stdout.write(data))`], {
    stdio: ['pipe', descriptor, 'inherit'],
  });
  closeSync(descriptor);
  child.stdin?.write(`${'x'.repeat(limit)}\n`);
  await expect.poll(async () => (await stat(log)).size).toBe(limit + 1);

  await rotateLogs(folder);
  child.stdin?.end('after\n');
  await once(child, 'exit');

  expect(await readFile(log, 'utf8')).toBe('after\n');
  const old = await stat(`${log}.1`);
  expect([old.size, (old.mode & 0o777).toString(8)]).toEqual([limit + 1, '600']);
});

test('only the newest rotated logs of a process are kept', async () => {
  for (let round = 1; round <= 5; round += 1) {
    await writeFile(log, Buffer.alloc(limit));
    await appendFile(log, `round ${round}\n`);
    await rotateLogs(folder);
  }

  expect((await readdir(folder)).toSorted()).toEqual(['edge.log', 'edge.log.1', 'edge.log.2', 'edge.log.3']);
  const ends = [1, 2, 3].map(async (age) => (await readFile(`${log}.${age}`)).subarray(limit).toString());
  expect(await Promise.all(ends)).toEqual(['round 5\n', 'round 4\n', 'round 3\n']);
});

test('a short log is not rotated', async () => {
  await writeFile(log, Buffer.alloc(limit));

  await rotateLogs(folder);

  expect(await readdir(folder)).toEqual(['edge.log']);
  expect((await stat(log)).size).toBe(limit);
});
