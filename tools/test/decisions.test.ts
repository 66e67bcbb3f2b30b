import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const folder = join(root, 'docs/adr');
const records = readdirSync(folder)
  .filter((name) => name !== 'README.md')
  .sort();

/** A decision that a replacement engineer would not undo belongs into a comment or an area's document. */
const mostRecords = 20;

test(`there are at most ${mostRecords} decision records`, () => {
  expect(records.length).toBeLessThanOrEqual(mostRecords);
});

test.each(records)('%s has the title of its number and the four sections', (name) => {
  const lines = readFileSync(join(folder, name), 'utf8').split('\n');
  expect(name).toMatch(/^\d{4}-[a-z0-9-]+\.md$/);
  expect(lines[0]).toMatch(new RegExp(`^# ${name.slice(0, 4)}: [A-Z]`));
  expect(lines.filter((line) => line.startsWith('#')).slice(1)).toEqual([
    '## Status',
    '## Context',
    '## Decision',
    '## Consequences',
  ]);
});

test('the index lists every decision record with its title, in order', () => {
  const index = readFileSync(join(folder, 'README.md'), 'utf8');
  const listed = [...index.matchAll(/^\| \[([^\]]+)\]\(([^)]+)\)/gm)].map(([, title, file]) => ({ title, file }));
  const titleOf = (file: string) => readFileSync(join(folder, file), 'utf8').split('\n')[0]?.slice('# '.length);
  expect(listed).toEqual(records.map((file) => ({ title: titleOf(file), file })));
});

test('every decision record that a file mentions exists', () => {
  const numbers = new Set(records.map((name) => name.slice(0, 4)));
  const output = execFileSync('git', ['grep', '-noE', '(ADR |adr/)[0-9]{4}', '--', ':!CHANGELOG.md'], {
    cwd: root,
    encoding: 'utf8',
  });
  const mentions = output.trim().split('\n');
  expect(mentions.length).toBeGreaterThan(records.length);
  expect(mentions.filter((mention) => !numbers.has(mention.slice(-'0000'.length)))).toEqual([]);
});
