// Compares the edge, and the whole platform behind it, with minimal baselines: `nx run edge:bench`.
//   BENCH_CUSTOMERS  customers in the database (20000)
//   BENCH_ROUNDS     rounds, each measures every case once, its sides one after the other (5)
//   BENCH_MS         how long each side runs in a round, in milliseconds (2000)
//   BENCH_TENANTS    many: the same calls by 1, 20 and 100 tenants over 1, 16 and 64 connections, and no other case
//   BENCH_CASE       only cases whose name has this text
//   BENCH_FILE       where the results go, and those of the last run are (.rapport/bench/edge.json)
import { measureCases, reportCases, type BenchCase } from '@rapport/testing';
import { BenchPlatform } from './bench-platform.ts';
import { readBenchSettings } from './bench-settings.ts';
import { cachedCases } from './cached-cases.ts';
import { feedCases } from './feed-cases.ts';
import { tenantCases } from './tenant-cases.ts';
import { uncachedCases } from './uncached-cases.ts';
import { writeCases } from './write-cases.ts';

const { customers, rounds, durationMs, only, manyTenants, file } = readBenchSettings();
const bench = await BenchPlatform.start(customers);
const stops: (() => Promise<unknown>)[] = [() => bench.stop()];
try {
  const cases = (manyTenants ? await tenantCases(bench, durationMs) : await casesOfOne()).filter(({ name }) =>
    name.includes(only),
  );
  const hitAndMiss = await cacheStatus();
  const results = await measureCases(cases, rounds, (line) => console.log(line));
  await reportCases(file, results, { customers, rounds, durationMs, cacheStatus: hitAndMiss });
} finally {
  for (const stop of stops.reverse()) await stop();
}

async function casesOfOne(): Promise<BenchCase[]> {
  return [
    ...(await cachedCases(bench, durationMs, stops)),
    ...(await uncachedCases(bench, durationMs)),
    ...(await writeCases(bench, durationMs)),
    ...(await feedCases(bench, durationMs)),
  ];
}

/** Cache-Status of the requests of the hit and miss cases, to verify that they measure what their names say. */
async function cacheStatus(): Promise<Record<string, string | null>> {
  const status = async (headers: Record<string, string>) =>
    (await bench.fetch(`/v1/customers/${bench.ids[0]}`, headers)).headers.get('cache-status');
  await status({});
  return { plain: await status({}), noCache: await status({ 'cache-control': 'no-cache' }) };
}
