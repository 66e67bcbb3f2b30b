import { queryDatabase, type BenchCase, type HttpRequest, type SqlPlan } from '@rapport/testing';
import type { BenchPlatform } from './bench-platform.ts';

const marker = '5f0c6a52-7b7e-4c3b-9d57-6b1f0a8d2e11';

/**
 * Creates through the whole platform: validation, idempotency row, key of the e-mail address, version and outbox. Plain pg
 * inserts the same row into the same table, with its triggers and its row-level security, in one autocommitted statement.
 */
export async function writeCases(bench: BenchPlatform, durationMs: number): Promise<BenchCase[]> {
  const insert = await insertLikeService(bench);
  return [16, 64].map((atOnce) => ({
    name: `create, ${atOnce} at once`,
    unit: 'request' as const,
    ours: bench.edgeSide(201, { atOnce, durationMs, requests: [createRequest(bench, '{uuid}')] }, 'customers'),
    baselines: [bench.sqlSide('plain pg insert', { atOnce, durationMs, connections: 16, ...insert })],
    goal: { leastRatio: { 'plain pg insert': 0.4 } },
  }));
}

/** The statement that inserts a customer with the same columns as one that the service has created. */
export async function insertLikeService(bench: BenchPlatform): Promise<Pick<SqlPlan, 'text' | 'values'>> {
  const { method, path, headers, body } = createRequest(bench, marker);
  const response = await fetch(bench.platform.edgeUrl + path, {
    method: method ?? 'GET',
    headers: { ...headers, 'content-type': 'application/json' },
    body: body ?? null,
  });
  const { id } = (await response.json()) as { id: string };
  const { superuserUrl } = bench.platform.customersDatabase;
  const columns = await queryDatabase<{ name: string; quoted: string }>(
    superuserUrl,
    `select column_name as name, quote_ident(column_name) as quoted from information_schema.columns
     where table_schema = 'public' and table_name = 'customer' and is_generated = 'NEVER' order by ordinal_position`,
  );
  const [row] = await queryDatabase<Record<string, string | null>>(
    superuserUrl,
    `select ${columns.map(({ quoted }) => `${quoted}::text`).join(', ')} from customer where id = $1`,
    [id],
  );
  if (!row) throw new Error(`The customer ${id} is not there.`);
  const set = columns.filter(({ name }) => row[name] !== null);
  const values = set.map(({ name }) => row[name]?.replaceAll(id, '{uuid}').replaceAll(marker, '{uuid}') ?? null);
  const text = `insert into customer (${set.map(({ quoted }) => quoted).join(', ')})
    values (${set.map((_, index) => `$${index + 1}`).join(', ')})`;
  return { text, values: [values] };
}

/** @param key the Idempotency-Key, and the name in the e-mail address */
export function createRequest(bench: BenchPlatform, key: string): HttpRequest {
  return {
    method: 'POST',
    path: '/v1/customers',
    headers: { ...bench.authorization(), 'Idempotency-Key': key },
    body: JSON.stringify({
      kind: 'PERSON',
      givenName: 'Benchmark',
      familyName: 'Person',
      emails: [{ address: `${key}@bench.example`, label: 'work' }],
      phones: [{ number: '+493012345678' }],
      tags: ['bench', 'vip'],
    }),
  };
}
