import { pipeline } from 'node:stream/promises';
import { Readable, Writable } from 'node:stream';
import { from, to } from 'pg-copy-streams';
import { v7 } from 'uuid';
import type { Measurement, Pair } from './bench.ts';
import type { BenchPlatform } from './bench-platform.ts';
import { newCustomer } from './interactive-pairs.ts';

const importRows = 20_000;
const batchItems = 1_000;
const batches = 5;

/** Work on many rows, compared with COPY of the same rows into, or out of, the same tables with all their indexes. */
export function bulkPairs(platform: BenchPlatform): Pair[] {
  return [
    rowsPair(platform, `batch create (${batchItems} items)`, batches * batchItems, async (tenantId) => {
      for (let batch = 0; batch < batches; batch += 1) {
        const items = Array.from({ length: batchItems }, () => ({ customer: newCustomer() }));
        await platform.call('BatchCreateCustomers', { batch: { items, mode: 1 } }, tenantId);
      }
    }),
    rowsPair(platform, `import (${importRows} rows of NDJSON)`, importRows, (tenantId) =>
      platform.upload('ImportCustomers', fileMessages(importFile()), tenantId),
    ),
    exportPair(platform),
  ];
}

/** The service writes rows of a new tenant; plain pg then copies the same rows into the place of the service's. */
function rowsPair(
  { superuser }: BenchPlatform,
  operation: string,
  rows: number,
  write: (tenantId: string) => Promise<unknown>,
): Pair {
  let tenantId = '';
  return {
    operation,
    unit: 'row',
    service: async () => {
      tenantId = v7();
      return timed(rows, () => write(tenantId));
    },
    baseline: async () => {
      const customer = await copyOut(superuser, `select * from customer where tenant_id = '${tenantId}'`);
      const key = await copyOut(superuser, `select * from customer_key where tenant_id = '${tenantId}'`);
      await superuser.query(`delete from customer_key where tenant_id = '${tenantId}'`);
      await superuser.query(`delete from customer where tenant_id = '${tenantId}'`);
      const measurement = await timed(rows, async () => {
        await superuser.query('begin');
        await pipeline(Readable.from(customer), superuser.query(from('copy customer from stdin')));
        await pipeline(Readable.from(key), superuser.query(from('copy customer_key from stdin')));
        await superuser.query('commit');
      });
      // What a round leaves behind must not slow down the next one.
      await superuser.query(`delete from customer_key where tenant_id = '${tenantId}'`);
      await superuser.query(`delete from customer where tenant_id = '${tenantId}'`);
      await superuser.query('vacuum customer, customer_key');
      return measurement;
    },
  };
}

function exportPair(platform: BenchPlatform): Pair {
  const { superuser, tenantId } = platform;
  const countRows = async () => {
    const sql = 'select count(*)::int as rows from customer where tenant_id = $1 and delete_time is null';
    return (await superuser.query<{ rows: number }>(sql, [tenantId])).rows[0]?.rows ?? 0;
  };
  return {
    operation: 'export (NDJSON)',
    unit: 'row',
    service: async () =>
      timed(await countRows(), async () => {
        for await (const _ of platform.download('ExportCustomers', { format: 1 })) continue;
      }),
    baseline: async () =>
      timed(await countRows(), () =>
        pipeline(
          superuser.query(
            to(
              `copy (select * from customer where tenant_id = '${tenantId}' and delete_time is null order by id) to stdout`,
            ),
          ),
          new Writable({ write: (_chunk, _encoding, done) => done() }),
        ),
      ),
  };
}

async function timed(units: number, work: () => Promise<unknown>): Promise<Measurement> {
  const start = performance.now();
  await work();
  return { units, seconds: (performance.now() - start) / 1000 };
}

async function copyOut(client: BenchPlatform['superuser'], sql: string): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of client.query(to(`copy (${sql}) to stdout`))) chunks.push(chunk as Buffer);
  return chunks;
}

function importFile(): string {
  const row = () => {
    const { givenName, familyName, emails, phones, tags } = newCustomer();
    return JSON.stringify({ givenName, familyName, emails, phones, tags });
  };
  return Array.from({ length: importRows }, row).join('\n');
}

async function* fileMessages(file: string) {
  const bytes = Buffer.from(file);
  const piece = (contentType: string, data: Uint8Array) => ({
    file: { contentType, data, extensions: [] },
    map: [],
    kind: 0,
  });
  yield piece('application/x-ndjson', new Uint8Array());
  for (let start = 0; start < bytes.length; start += 65_536) {
    yield piece('', bytes.subarray(start, start + 65_536));
    await Promise.resolve();
  }
  yield piece('', new Uint8Array());
}
