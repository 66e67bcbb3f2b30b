import { Customer, CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import { v7 } from 'uuid';
import type { Measurement, Pair } from './bench.ts';
import type { BenchPlatform } from './bench-platform.ts';

/** Requests that are under way at a time. */
const atOnce = 16;

/** Reads and writes of single customers and pages, 16 at a time. */
export function interactivePairs(platform: BenchPlatform): Pair[] {
  const { tenantId, pool } = platform;
  let ids: string[] = [];
  const someId = async (index: number) => {
    if (ids.length === 0) {
      const sql =
        'select id from customer where tenant_id = $1 and delete_time is null order by md5(id::text) limit 5000';
      ids = (await pool.query<{ id: string }>(sql, [tenantId])).rows.map(({ id }) => id);
    }
    return ids[index % ids.length] ?? '';
  };
  const words = ['anna', 'garcia', 'tanaka', 'miller', 'novak', 'schmidt', 'rossi', 'silva'];
  const word = (index: number) => words[index % words.length] ?? '';
  return [
    {
      operation: 'get',
      unit: 'request',
      service: () => parallel(2_000, async (index) => platform.call('GetCustomer', { id: await someId(index) })),
      baseline: () =>
        parallel(2_000, async (index) =>
          pool.query({
            name: 'get',
            text: 'select * from customer where tenant_id = $1 and id = $2 and delete_time is null',
            values: [tenantId, await someId(index)],
          }),
        ),
    },
    {
      operation: 'list (page of 20)',
      unit: 'request',
      service: () => parallel(400, () => platform.call('ListCustomers', { pageSize: 20 })),
      baseline: () =>
        parallel(400, () =>
          pool.query({
            name: 'list',
            text: `select * from customer where tenant_id = $1 and delete_time is null
              order by create_time desc, id desc limit 21`,
            values: [tenantId],
          }),
        ),
    },
    {
      operation: 'search (word, page of 20)',
      unit: 'request',
      service: () => parallel(100, (index) => platform.call('ListCustomers', { pageSize: 20, q: word(index) })),
      baseline: () =>
        parallel(100, (index) =>
          pool.query({
            name: 'search',
            text: `select * from customer where tenant_id = $1 and delete_time is null and search_text like $2
              order by create_time desc, id desc limit 21`,
            values: [tenantId, `%${word(index)}%`],
          }),
        ),
    },
    {
      operation: 'create',
      unit: 'request',
      service: () => parallel(400, () => platform.call('CreateCustomer', { customer: newCustomer() })),
      baseline: () => parallel(400, () => createByHand(platform)),
    },
  ];
}

/** A customer that nobody has met, with one unique value. */
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

/** What a careful hand would write for the row that CreateCustomer writes: customer and key in one transaction. */
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

async function parallel(count: number, work: (index: number) => Promise<unknown>): Promise<Measurement> {
  await work(0);
  const start = performance.now();
  let next = 0;
  const worker = async () => {
    while (next < count) {
      next += 1;
      await work(next);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return { units: count, seconds: (performance.now() - start) / 1000 };
}
