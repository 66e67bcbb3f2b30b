import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'vitest';

/** The answers of a Python program that reads a JSON value of each line, and writes one. @param program path from this folder */
export function pythonAnswers<Answer>(program: string, questions: readonly unknown[]): Answer[] {
  const input = questions.map((each) => JSON.stringify(each)).join('\n');
  const options = { input, encoding: 'utf8', maxBuffer: 1 << 28 } as const;
  const { stdout, stderr, status } = spawnSync('python3', [join(import.meta.dirname, program)], options);
  expect(status, stderr).toBe(0);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer);
}
