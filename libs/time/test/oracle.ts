import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Temporal } from 'temporal-polyfill';

/** Cases that the oracle has before its answers are read, so that both processes work at once. */
const ahead = 8;

/**
 * Judges in Python what this library answers: it has the time zones of another database, and shares no code with it.
 *
 * @param script a file beside this one that reads a case a line as JSON, and writes its answer a line as JSON
 */
export async function* answersOf<Case, Answer>(script: string, cases: Iterable<Case>): AsyncGenerator<[Case, Answer]> {
  const oracle = spawn('python3', ['-uB', join(import.meta.dirname, script)], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const exit = once(oracle, 'exit');
    const lines = createInterface(oracle.stdout)[Symbol.asyncIterator]();
    const asked: Case[] = [];
    const answer = async (): Promise<[Case, Answer]> => {
      const { value, done } = await lines.next();
      if (done) throw new Error(`${script} ended with ${String(await exit)}`);
      return [asked.shift()!, JSON.parse(value) as Answer];
    };
    for (const each of cases) {
      oracle.stdin.write(`${JSON.stringify(each)}\n`);
      asked.push(each);
      if (asked.length > ahead) yield await answer();
    }
    while (asked.length > 0) yield await answer();
  } finally {
    oracle.kill();
  }
}

/** A time of a zone, in seconds since 1970. */
export interface ZoneSpan {
  zone: string;
  first: number;
  last: number;
}

/** Whether Node and Python have the same offsets: what they answer differently elsewhere is no fault of the library. */
export async function haveEqualOffsets(spans: ZoneSpan[]): Promise<boolean[]> {
  const equal: boolean[] = [];
  const hours = spans.map(({ zone, first, last }) => ({ zone, first: first - (first % 3_600), last }));
  for await (const [span, offsets] of answersOf<ZoneSpan, number[][]>('business_time_oracle.py', hours)) {
    const changes: number[][] = [];
    for (let at = span.first; at < span.last; at += 3_600) {
      const time = Temporal.Instant.fromEpochMilliseconds(at * 1_000).toZonedDateTimeISO(span.zone);
      const offset = time.offsetNanoseconds / 1e9;
      if (changes.at(-1)?.[1] !== offset) changes.push([at, offset]);
    }
    equal.push(JSON.stringify(changes) === JSON.stringify(offsets));
  }
  return equal;
}
