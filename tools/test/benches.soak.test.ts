import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isSoak, printedSeed, type BenchReport } from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

// So small that the figures mean nothing: the tests prove that the benches still run.
const tiny = {
  BENCH_CUSTOMERS: '200',
  BENCH_ROUNDS: '1',
  BENCH_MS: '60',
  BENCH_SCALE: '0.01',
  ROWS: '500',
  CALM_MS: '500',
  WINDOW_MS: '500',
};
const apps = join(import.meta.dirname, '../../apps');

/** One bench by the seed, all in the long form. */
const chosen = printedSeed('benches') % 3;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rapport-benches-'));
});

afterAll(() => rm(folder, { recursive: true }));

const benches = [
  {
    script: 'edge/bench/bench.ts',
    names: [
      ...['cached GET', 'cached GET, 304', 'cached GET with an access token', 'cached GET at 3000/s'],
      ...['GET that misses', 'page of 20 that misses'],
      ...['create, 16 at once', 'create, 64 at once'],
      ...['commit to subscriber at 500/s, by batches of 10', 'commit to subscriber at 500/s, by SQL'],
    ],
  },
  {
    script: 'customers/bench/bench.ts',
    names: [
      ...['get', 'list (page of 20)', 'search of a family name (page of 20)', 'search of a rare name (page of 20)'],
      ...['create', 'batch create (1000 items)', 'import (20000 rows of NDJSON)', 'export (NDJSON)'],
    ],
  },
];

test.each(isSoak ? benches : benches.filter((_, index) => index === chosen))(
  '$script measures every case against its baselines',
  async ({ script, names }) => {
    const { cases } = (await run(script)) as unknown as BenchReport;

    expect(cases.map(({ name }) => name)).toEqual(names);
    for (const { name, ours, baselines, goal } of cases) {
      expect(ours.perSecond, name).toBeGreaterThan(0);
      for (const { ratio } of baselines) expect(ratio, name).toBeGreaterThan(0);
      for (const baseline of Object.keys(goal.leastRatio ?? {})) {
        expect(baselines.map((each) => each.name)).toContain(baseline);
      }
      if (goal.p99Ms !== undefined) expect(ours.p99Ms, name).toEqual(expect.any(Number));
    }
  },
);

if (isSoak || chosen === benches.length) {
  test('edge/bench/bulk-beside-interactive.ts compares latencies with and without an import', async () => {
    const { lines, memoryMib } = await run('edge/bench/bulk-beside-interactive.ts');

    expect(lines).toEqual([
      expect.objectContaining({ what: 'reads', p99Ratio: expect.any(Number) as number }),
      expect.objectContaining({ what: 'writes', p99Ratio: expect.any(Number) as number }),
    ]);
    expect(memoryMib).not.toEqual([]);
  });
}

/** @returns the results that it has written */
async function run(script: string): Promise<Record<string, unknown>> {
  const file = join(folder, `${script.replaceAll('/', '-')}.json`);
  await promisify(execFile)(process.execPath, [join(apps, script)], {
    env: { ...process.env, ...tiny, BENCH_FILE: file },
  });
  return JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
}
