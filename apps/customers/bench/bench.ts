// Compares the service with the same SQL through plain pg: `nx run customers:bench`.
//   BENCH_CUSTOMERS  customers in the database (200000)
//   BENCH_ROUNDS     rounds, each measures every pair once, the two sides one after the other (5)
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { duplicatesFigures } from './duplicates.ts';
import { BenchPlatform } from './bench-platform.ts';
import { bulkPairs } from './bulk-pairs.ts';
import { interactivePairs } from './interactive-pairs.ts';

/** One operation, done by the service and by plain pg. */
export interface Pair {
  operation: string;
  /** What one unit of the rates is: a request or a row. */
  unit: 'request' | 'row';
  /** Does the work and resolves with the seconds that it took and the units that were done. */
  service: () => Promise<Measurement>;
  baseline: () => Promise<Measurement>;
}

export interface Measurement {
  units: number;
  seconds: number;
}

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 5);
const customers = Number(process.env['BENCH_CUSTOMERS'] ?? 200_000);

const platform = await BenchPlatform.start(customers);
try {
  const pairs = [...interactivePairs(platform), ...bulkPairs(platform)];
  const rates = new Map(
    pairs.map(({ operation }) => [operation, { service: [] as number[], baseline: [] as number[] }]),
  );
  // The first round only warms up.
  for (let round = 0; round <= rounds; round += 1) {
    for (const pair of pairs) {
      for (const side of ['service', 'baseline'] as const) {
        const { units, seconds } = await pair[side]();
        if (round > 0) rates.get(pair.operation)?.[side].push(units / seconds);
      }
    }
    process.stdout.write(round === 0 ? 'warm\n' : `round ${round} of ${rounds}\n`);
  }
  const operations = pairs.map(({ operation, unit }) => {
    const { service = [], baseline = [] } = rates.get(operation) ?? {};
    const ratios = service.map((rate, index) => rate / (baseline[index] ?? NaN));
    return {
      operation,
      unit,
      servicePerSecond: Math.round(median(service)),
      pgPerSecond: Math.round(median(baseline)),
      ratio: Number(median(ratios).toFixed(2)),
      least: Number(Math.min(...ratios).toFixed(2)),
      most: Number(Math.max(...ratios).toFixed(2)),
    };
  });
  const duplicates = duplicatesFigures();
  const machine = {
    node: process.version,
    cpu: cpus()[0]?.model,
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
  };
  console.table(operations);
  console.table(duplicates);
  console.log(`${customers} customers, ${rounds} rounds, medians; ${JSON.stringify(machine)}`);
  const folder = join(import.meta.dirname, '../../../.rapport/bench');
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'customers.json');
  await writeFile(
    file,
    JSON.stringify({ time: new Date(), customers, rounds, machine, operations, duplicates }, null, 2),
  );
  console.log(`Written to ${file}`);
} finally {
  await platform.stop();
}

function median(values: number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}
