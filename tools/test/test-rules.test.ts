import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ownPlatforms } from '../own-platforms.ts';

const root = join(import.meta.dirname, '../..');
/** The tests and their support files, without this file, which contains the patterns. */
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts'], { cwd: root })
  .toString()
  .trim()
  .split('\n')
  .filter((file) => /\/test\/|\.spec\.ts$/.test(file) && !file.endsWith('test-rules.test.ts'))
  .map((file) => ({ file, lines: readFileSync(join(root, file), 'utf8').split('\n') }));

const pause = /\bawait (?:delay|wait|sleep|setTimeout)\(/;
const duration = /expect\(.*(?:\bms\b|Ms\b|[Ss]econds\b|elapsed|took).*\)\.(?:not\.)?toBe(?:Less|Greater)/;
/** A loop of a running service that waits by such a timer waits for ever: the test's clock takes the timer along when it goes. */
const fakeTimers = /\buseFakeTimers\((?:\)|.*'set(?:Timeout|Interval|Immediate)')/;
const ownStart = /\bstart(?:Sync)?Platform\(/;

test('exactly the listed files start their own platform', () => {
  const starting = files
    .filter(({ file, lines }) => !file.endsWith('/sync-platform.ts') && lines.some((line) => ownStart.test(line)))
    .map(({ file }) => file);

  expect(starting.toSorted()).toEqual(Object.keys(ownPlatforms).toSorted());
});

test.each([
  ['pauses', pause, files],
  ['asserts how long something takes', duration, files],
  // Pure tests run before their process starts anything that files share.
  ['replaces the timers of what runs beside it', fakeTimers, files.filter(({ file }) => !file.endsWith('.spec.ts'))],
])('no test %s without a reason beside it', (_, pattern, tests) => {
  const bare = tests.flatMap(({ file, lines }) =>
    lines.flatMap((line, index) =>
      pattern.test(line) && !hasReason(lines, index) ? [`${file}:${index + 1}: ${line.trim()}`] : [],
    ),
  );

  expect(bare).toEqual([]);
});

/** A comment on the line or just above its statement, or the mark of the long form, which may measure. */
function hasReason(lines: readonly string[], index: number): boolean {
  const line = lines[index] ?? '';
  return [line, lines[index - 1] ?? ''].some((each) => each.includes('//')) || line.includes('if (isSoak)');
}
