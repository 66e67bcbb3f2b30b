import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/**
 * Judges in Python what this library answers: it has the time zones of another database, and shares no code with it.
 *
 * @param script a file beside this one that reads a case a line as JSON, and writes its answer a line as JSON
 */
export async function* answersOf<Case, Answer>(script: string, cases: Iterable<Case>): AsyncGenerator<[Case, Answer]> {
  const oracle = spawn('python3', ['-u', join(import.meta.dirname, script)], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const exit = once(oracle, 'exit');
    const lines = createInterface(oracle.stdout)[Symbol.asyncIterator]();
    for (const each of cases) {
      oracle.stdin.write(`${JSON.stringify(each)}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`${script} ended with ${String(await exit)}`);
      yield [each, JSON.parse(value) as Answer];
    }
  } finally {
    oracle.kill();
  }
}
