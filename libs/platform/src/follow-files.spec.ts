import { mkdtempSync, rmSync, symlinkSync, writeFileSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { followFiles } from './follow-files.js';

const logger = pino({ level: 'silent' });
let folder: string;
let stop: () => void = () => undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rapport-'));
});

afterEach(() => {
  stop();
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

function follow(names: string[]): string[] {
  const taken: string[] = [];
  const take = (contents: readonly string[]) => {
    if (contents.includes('bad')) throw new Error('bad');
    taken.push(contents.join(' '));
  };
  stop = followFiles(
    names.map((name) => join(folder, name)),
    take,
    logger,
    10,
  );
  return taken;
}

it('reloads files when one of them is replaced through a symbolic link', async () => {
  for (const [name, text] of Object.entries({ a: '1', 'b-old': '2', 'b-new': '3' })) write(name, text);
  symlinkSync('b-old', join(folder, 'b'));
  const taken = follow(['a', 'b']);
  symlinkSync('b-new', join(folder, 'link'));
  renameSync(join(folder, 'link'), join(folder, 'b'));

  await expect.poll(() => taken).toEqual(['1 2', '1 3']);
});

it('retains the loaded contents while new ones are invalid or a file is missing', async () => {
  write('a', '1');
  const warn = vi.spyOn(logger, 'warn');
  const warnedOf = (text: string) =>
    warn.mock.calls.filter(([found]) => String((found as { err: Error }).err).includes(text));
  const taken = follow(['a']);
  write('a', 'bad');
  await expect.poll(() => warnedOf('bad')).toHaveLength(1);
  rmSync(join(folder, 'a'));
  await expect.poll(() => warnedOf('ENOENT').length).toBeGreaterThan(0);
  write('a', '2');

  await expect.poll(() => taken).toEqual(['1', '2']);
});

it('rejects invalid contents at the start', () => {
  write('a', 'bad');
  expect(() => follow(['a'])).toThrow('bad');
});

function write(name: string, text: string): void {
  writeFileSync(join(folder, name), text);
}
