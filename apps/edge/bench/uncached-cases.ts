import type { BenchCase } from '@rapport/testing';
import type { BenchPlatform } from './bench-platform.ts';

const atOnce = 64;
/** Connections of plain pg: one for each caller would be slower on two cores. */
const poolSize = 16;
const pages = 200;

/** The whole path from the edge to PostgreSQL, compared with the same SQL by plain pg with named statements. */
export async function uncachedCases(bench: BenchPlatform, durationMs: number): Promise<BenchCase[]> {
  const { tenantId } = bench.tenant;
  // A client's `no-cache` requests an answer from the origin (RFC 9111, 5.2.1.4).
  const headers = { ...bench.authorization(), 'Cache-Control': 'no-cache' };
  const starts = await bench.pageStarts(pages);
  const pace = { atOnce, durationMs };
  const ours = (paths: string[]) =>
    bench.edgeSide(200, { ...pace, requests: paths.map((path) => ({ path, headers })) }, 'customers');
  return [
    {
      name: 'GET that misses',
      unit: 'request',
      ours: ours(bench.ids.map((id) => `/v1/customers/${id}`)),
      baselines: [
        bench.sqlSide('plain pg', {
          ...pace,
          connections: poolSize,
          text: 'select * from customer where tenant_id = $1 and id = $2 and delete_time is null',
          values: bench.ids.map((id) => [tenantId, id]),
        }),
      ],
      goal: { leastRatio: { 'plain pg': 0.5 } },
    },
    {
      name: 'page of 20 that misses',
      unit: 'request',
      ours: ours(starts.map(({ pageToken }) => `/v1/customers?pageSize=20&pageToken=${encodeURIComponent(pageToken)}`)),
      baselines: [
        bench.sqlSide('plain pg', {
          ...pace,
          connections: poolSize,
          text: `select * from customer where tenant_id = $1 and delete_time is null and (create_time, id) < ($2, $3)
            order by create_time desc, id desc limit 21`,
          values: starts.map(({ createTime, id }) => [tenantId, createTime, id]),
        }),
      ],
      goal: { leastRatio: { 'plain pg': 0.5 } },
    },
  ];
}
