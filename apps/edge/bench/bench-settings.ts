import { join } from 'node:path';

export interface BenchSettings {
  /** Number of customers in the tenant. */
  customers: number;
  /** Measured rounds; each measures every case once. */
  rounds: number;
  /** How long each side of a case runs in a round, in milliseconds. */
  durationMs: number;
  /** Only cases whose name contains this text; all when empty. */
  only: string;
  /** Whether to measure each kind of call by 1, 20 and 100 tenants over 1, 16 and 64 connections, and no other case. */
  manyTenants: boolean;
  /** File of the results, and of those of the last run. */
  file: string;
}

export function readBenchSettings(): BenchSettings {
  const file = join(import.meta.dirname, '../../../.rapport/bench/edge.json');
  return {
    customers: Number(process.env['BENCH_CUSTOMERS'] ?? 20_000),
    rounds: Number(process.env['BENCH_ROUNDS'] ?? 5),
    durationMs: Number(process.env['BENCH_MS'] ?? 2_000),
    manyTenants: process.env['BENCH_TENANTS'] === 'many',
    only: process.env['BENCH_CASE'] ?? '',
    file: process.env['BENCH_FILE'] ?? file,
  };
}
