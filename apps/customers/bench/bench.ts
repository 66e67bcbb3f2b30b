// Compares the service with the same SQL through plain pg: `nx run customers:bench`.
//   BENCH_CUSTOMERS  customers in the database, of 20 tenants of which one has a twentieth and is asked (1000000)
//   BENCH_ROUNDS     rounds, each measures every case once, its sides one after the other (5)
//   BENCH_SCALE      share of the requests and rows that each side does, for a short look (1)
//   BENCH_CASE       only cases whose name has this text
//   BENCH_FILE       where the results go, and those of the last run are (.rapport/bench/customers.json)
import { join } from 'node:path';
import { measureCases, reportCases } from '@rapport/testing';
import { duplicatesFigures } from './duplicates.ts';
import { BenchPlatform } from './bench-platform.ts';
import { bulkCases } from './bulk-cases.ts';
import { interactiveCases } from './interactive-cases.ts';

const customers = Number(process.env['BENCH_CUSTOMERS'] ?? 1_000_000);
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 5);
const scale = Number(process.env['BENCH_SCALE'] ?? 1);
const only = process.env['BENCH_CASE'] ?? '';
const file = process.env['BENCH_FILE'] ?? join(import.meta.dirname, '../../../.rapport/bench/customers.json');

const platform = await BenchPlatform.start(customers);
try {
  const all = [...(await interactiveCases(platform, scale)), ...bulkCases(platform, scale)];
  const cases = all.filter(({ name }) => name.includes(only));
  const results = await measureCases(cases, rounds, (line) => console.log(line));
  if (only === '' && scale === 1) console.table(duplicatesFigures());
  await reportCases(file, results, { customers, rounds, scale });
} finally {
  await platform.stop();
}
