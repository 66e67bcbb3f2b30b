import type { BenchCase, HttpPlan, SqlPlan } from '@rapport/testing';
import type { BenchPlatform, BenchTenant } from './bench-platform.ts';
import { createRequest, insertLikeService } from './write-cases.ts';

/** Numbers of tenants that call in turn, and of requests in flight. Reads of one tenant join, and those of many do not. */
const tenantCounts = [1, 20, 100];
const connectionCounts = [1, 16, 64];
/** Connections of plain pg at most: more would be slower on two cores. */
const poolSize = 16;
const customersOfTenant = 200;

/** The requests of a kind by all tenants in turn, and the statement of plain pg that has the same result for one of them. */
interface Kind {
  name: string;
  status: number;
  requestsOf: (tenant: BenchTenant) => HttpPlan['requests'];
  sql: Pick<SqlPlan, 'text' | 'values'>;
}

/** Every kind of call by each number of tenants and of connections. */
export async function tenantCases(bench: BenchPlatform, durationMs: number): Promise<BenchCase[]> {
  const tenants = await bench.tenants(Math.max(...tenantCounts), customersOfTenant);
  const kinds = await kindsOf(bench);
  const variants = tenantCounts.flatMap((count) => connectionCounts.map((atOnce) => ({ count, atOnce })));
  return kinds.flatMap(({ name, status, requestsOf, sql }) =>
    variants.map(({ count, atOnce }) => {
      const requests = inTurn(tenants.slice(0, count).map(requestsOf));
      const connections = Math.min(atOnce, poolSize);
      return {
        name: `${name}, ${count} tenants, ${atOnce} at once`,
        unit: 'request' as const,
        ours: bench.edgeSide(status, { atOnce, durationMs, requests }, 'customers'),
        baselines: [bench.sqlSide('plain pg', { atOnce, durationMs, connections, ...sql })],
      };
    }),
  );
}

async function kindsOf(bench: BenchPlatform): Promise<Kind[]> {
  const { tenantId } = bench.tenant;
  const get = 'select * from customer where tenant_id = $1 and id = $2 and delete_time is null';
  const list = `select * from customer where tenant_id = $1 and delete_time is null order by create_time desc, id desc limit 21`;
  const search = `select * from customer where tenant_id = $1 and delete_time is null and search_text like $2
    order by create_time desc, id desc limit 21`;
  const values = bench.ids.map((id) => [tenantId, id]);
  const misses = (tenant: BenchTenant, paths: string[]) =>
    paths.map((path) => ({ path, headers: { ...tenant.authorization, 'Cache-Control': 'no-cache' } }));
  const digits = [...'0123456789'];
  return [
    {
      name: 'cached GET',
      status: 200,
      requestsOf: ({ ids, authorization }) =>
        ids.slice(0, 20).map((id) => ({ path: `/v1/customers/${id}`, headers: authorization })),
      sql: { text: get, values },
    },
    {
      name: 'GET that misses',
      status: 200,
      requestsOf: (tenant) =>
        misses(
          tenant,
          tenant.ids.map((id) => `/v1/customers/${id}`),
        ),
      sql: { text: get, values },
    },
    {
      name: 'page of 20 that misses',
      status: 200,
      requestsOf: (tenant) =>
        misses(
          tenant,
          tenant.pageTokens.map((token) => `/v1/customers?pageSize=20&pageToken=${encodeURIComponent(token)}`),
        ),
      sql: { text: list, values: [[tenantId]] },
    },
    {
      name: 'search that misses',
      status: 200,
      requestsOf: (tenant) =>
        misses(
          tenant,
          digits.map((digit) => `/v1/customers?pageSize=20&q=person${digit}`),
        ),
      sql: { text: search, values: digits.map((digit) => [tenantId, `%person${digit}%`]) },
    },
    {
      name: 'create',
      status: 201,
      requestsOf: ({ authorization }) => {
        const request = createRequest(bench, '{uuid}');
        return [{ ...request, headers: { ...request.headers, ...authorization } }];
      },
      sql: await insertLikeService(bench),
    },
  ];
}

/** The first of each list, then the second of each, and so on, as many as the shortest has. */
function inTurn<Item>(lists: readonly Item[][]): Item[] {
  const length = Math.min(...lists.map((list) => list.length));
  return Array.from({ length }, (_, index) => lists.flatMap((list) => list.slice(index, index + 1))).flat();
}
