import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const faults = 'tools/lint/faults';

interface Found {
  diagnostics: { code: string; filename: string; labels: { span: { line: number } }[] }[];
}

// The interface of oxlint for rules in JavaScript is in alpha: a release of it that runs one no more would not show otherwise.
test('each rule that is not one of oxlint finds its fault', async () => {
  const { diagnostics } = JSON.parse(
    await outputOf('oxlint', ['--config', `${faults}/oxlint.config.ts`, '--format', 'json', faults]),
  ) as Found;

  const found = diagnostics.map(
    ({ code, filename, labels }) => `${filename.replace(`${faults}/`, '')}:${labels[0]?.span.line} ${code}`,
  );
  expect(found.toSorted()).toEqual([
    'faults.ts:1 imports(order)',
    'faults.ts:10 eslint-js(no-restricted-syntax)',
    'faults.ts:10 eslint-js(no-restricted-syntax)',
    'faults.ts:11 regexp(no-super-linear-backtracking)',
    'faults.ts:12 regexp(no-empty-alternative)',
    'faults.ts:13 security(detect-bidi-characters)',
    'faults.ts:14 regexp(no-contradiction-with-assertion)',
    'faults.ts:14 regexp(no-misleading-unicode-character)',
    'faults.ts:14 regexp(no-super-linear-move)',
    'faults.ts:14 security(detect-invisible-characters)',
    'faults.ts:2 eslint(no-restricted-imports)',
    'faults.ts:3 imports(order)',
    'faults.ts:4 imports(order)',
    'faults.ts:4 nx(enforce-module-boundaries)',
    'faults.ts:5 eslint(no-restricted-imports)',
    'faults.ts:8 eslint-js(no-restricted-syntax)',
    'faults.ts:9 eslint-js(no-restricted-syntax)',
    'low/low.ts:1 rapport(folder-zones)',
  ]);
});

/** What a program prints, whether or not it succeeds. */
function outputOf(program: string, args: string[]): Promise<string> {
  return new Promise((resolve) => execFile(program, args, { cwd: root }, (_error, output) => resolve(output)));
}
