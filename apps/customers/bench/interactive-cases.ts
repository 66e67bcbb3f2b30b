import { Customer, CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import { v7 } from 'uuid';
import { percentile, type BenchCase, type Sample, type Side } from '@rapport/testing';
import type { BenchPlatform } from './bench-platform.ts';

/** Concurrent requests. */
const atOnce = 16;

/** Reads and writes of single customers and pages, 16 at a time. */
export async function interactiveCases(platform: BenchPlatform, scale: number): Promise<BenchCase[]> {
  const { tenantId, pool } = platform;
  const { rows } = await pool.query<{ id: string; name: string | null }>(
    `select id, lower(family_name) as name from customer where tenant_id = $1 and delete_time is null
     order by md5(id::text) limit 5000`,
    [tenantId],
  );
  const ids = rows.map(({ id }) => id);
  const names = rows.flatMap(({ name }) => (name === null || name.length < 4 ? [] : [name]));
  // One among 5,000 customers: a scan of the newest ones does not fill a page.
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  const rareNames = [...counts].filter(([, count]) => count === 1).map(([name]) => name);
  const of = (list: string[], index: number) => list[index % list.length] ?? '';
  const side = (name: string, count: number, work: (index: number) => Promise<unknown>): Side => ({
    name,
    run: () => parallel(Math.max(atOnce, Math.round(count * scale)), work),
  });
  const against = (
    count: number,
    statement: string,
    text: string,
    valuesOf: (index: number) => string[] = () => [],
    name = 'plain pg',
  ) => side(name, count, (index) => pool.query({ name: statement, text, values: [tenantId, ...valuesOf(index)] }));
  const search = (name: string, words: string[], count: number): BenchCase => {
    const like = (statement: string, condition: string, baseline: string) =>
      against(
        count,
        statement,
        `select * from customer where tenant_id = $1 and delete_time is null and ${condition}
          order by create_time desc, id desc limit 21`,
        (index) => [`%${of(words, index)}%`],
        baseline,
      );
    return {
      name,
      unit: 'request',
      ours: side('customers', count, (index) => platform.call('ListCustomers', { pageSize: 20, q: of(words, index) })),
      baselines: [
        like('like', 'display_name ilike $2', 'plain LIKE'),
        // Uses our column and index for searches, but without fuzzy matching.
        like('trigram', 'search_text like $2', 'LIKE by trigram index'),
      ],
      goal: { leastRatio: { 'plain LIKE': 4 } },
    };
  };
  return [
    {
      name: 'get',
      unit: 'request',
      ours: side('customers', 2_000, (index) => platform.call('GetCustomer', { id: of(ids, index) })),
      baselines: [
        against(
          2_000,
          'get',
          'select * from customer where tenant_id = $1 and id = $2 and delete_time is null',
          (index) => [of(ids, index)],
        ),
      ],
    },
    {
      name: 'list (page of 20)',
      unit: 'request',
      ours: side('customers', 400, () => platform.call('ListCustomers', { pageSize: 20 })),
      baselines: [
        against(
          400,
          'list',
          `select * from customer where tenant_id = $1 and delete_time is null
            order by create_time desc, id desc limit 21`,
        ),
      ],
    },
    search('search of a family name (page of 20)', names, 200),
    search('search of a rare name (page of 20)', rareNames, 200),
    {
      name: 'create',
      unit: 'request',
      ours: side('customers', 400, () => platform.call('CreateCustomer', { customer: newCustomer() })),
      baselines: [side('plain pg', 400, () => createByHand(platform))],
    },
  ];
}

/** A new customer with one unique value. */
export function newCustomer(): Customer {
  return {
    ...Customer.decode(new Uint8Array()),
    kind: CustomerKind.PERSON,
    givenName: 'Benchmark',
    familyName: 'Person',
    emails: [{ address: `${v7()}@bench.example`, label: 'work' }],
    phones: [{ number: '+493012345678', label: undefined }],
    tags: ['bench', 'vip'],
  };
}

/** Hand-written SQL for the row that CreateCustomer writes: customer and key in one transaction. */
async function createByHand({ pool, tenantId }: BenchPlatform): Promise<void> {
  const id = v7();
  const address = `${id}@bench.example`;
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query({
      name: 'create',
      text: `insert into customer (tenant_id, id, kind, display_name, given_name, family_name, emails, phones, addresses,
          external_ids, domains, tags, terms, search_text, sort_name, family_sort_name, version, create_time, update_time,
          created_by, updated_by)
        values ($1, $2, 'PERSON', 'Benchmark Person', 'Benchmark', 'Person', $3, '[{"number":"+493012345678"}]', '[]',
          '[]', '{}', '{bench,vip}', '{k:person,g:benchmark,p:493012345678,t:bench,t:vip}', $4, 'benchmark person',
          'person', 1, now(), now(), 'bench', 'bench') returning *`,
      values: [tenantId, id, JSON.stringify([{ address, label: 'work' }]), `benchmark person ${address} 493012345678`],
    });
    await client.query({
      name: 'claim',
      text: `insert into customer_key (tenant_id, type, value, customer_id) values ($1, 'EMAIL', $2, $3)`,
      values: [tenantId, address, id],
    });
    await client.query('commit');
  } finally {
    client.release();
  }
}

async function parallel(count: number, work: (index: number) => Promise<unknown>): Promise<Sample> {
  await work(0);
  const start = performance.now();
  const latencies: number[] = [];
  let next = 0;
  const worker = async () => {
    while (next < count) {
      next += 1;
      const began = performance.now();
      await work(next);
      latencies.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  const perSecond = count / ((performance.now() - start) / 1000);
  const sorted = Float64Array.from(latencies).sort();
  return { perSecond, p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99) };
}
