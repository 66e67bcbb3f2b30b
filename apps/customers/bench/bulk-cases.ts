import { pipeline } from 'node:stream/promises';
import { Readable, Writable } from 'node:stream';
import { from, to } from 'pg-copy-streams';
import { v7 } from 'uuid';
import { ImportCustomersRequest } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { BenchCase, Sample } from '@rapport/testing';
import type { BenchPlatform } from './bench-platform.ts';
import { newCustomer } from './interactive-cases.ts';

const importRows = 20_000;
const batchItems = 1_000;
const batches = 5;

/**
 * Work on many rows, compared with COPY of the same rows into, or out of, the same tables with all their indexes and
 * triggers. COPY runs as the superuser, since it can't write to tables with row-level security: it skips the policies.
 */
export function bulkCases(platform: BenchPlatform, scale: number): BenchCase[] {
  const items = Math.max(1, Math.round(batchItems * scale));
  const rows = Math.max(1, Math.round(importRows * scale));
  return [
    rowsCase(platform, `batch create (${batchItems} items)`, batches * items, 0.5, async (tenantId) => {
      for (let batch = 0; batch < batches; batch += 1) {
        const customers = Array.from({ length: items }, () => ({ customer: newCustomer() }));
        await platform.call('BatchCreateCustomers', { batch: { items: customers, mode: 1 } }, tenantId);
      }
    }),
    rowsCase(platform, `import (${importRows} rows of NDJSON)`, rows, 0.6, (tenantId) =>
      platform.upload('ImportCustomers', fileMessages(importFile(rows)), tenantId),
    ),
    exportCase(platform),
  ];
}

/** The service writes rows of a new tenant; plain pg then copies the same rows in place of the service's. */
function rowsCase(
  platform: BenchPlatform,
  name: string,
  rows: number,
  leastRatio: number,
  write: (tenantId: string) => Promise<unknown>,
): BenchCase {
  const { superuser } = platform;
  let tenantId = '';
  const remove = () =>
    platform.silently(async () => {
      await superuser.query(`delete from customer_key where tenant_id = '${tenantId}'`);
      await superuser.query(`delete from customer where tenant_id = '${tenantId}'`);
    });
  return {
    name,
    unit: 'row',
    ours: {
      name: 'customers',
      run: async () => {
        tenantId = v7();
        await platform.untilLogIsCaughtUp();
        return timed(rows, () => write(tenantId));
      },
    },
    baselines: [
      {
        name: 'COPY',
        run: async () => {
          const customer = await copyOut(superuser, `select * from customer where tenant_id = '${tenantId}'`);
          const key = await copyOut(superuser, `select * from customer_key where tenant_id = '${tenantId}'`);
          await remove();
          await platform.untilLogIsCaughtUp();
          const sample = await timed(rows, async () => {
            await superuser.query('begin');
            await pipeline(Readable.from(customer), superuser.query(from('copy customer from stdin')));
            await pipeline(Readable.from(key), superuser.query(from('copy customer_key from stdin')));
            await superuser.query('commit');
          });
          // Cleanup, so that a round does not slow down the next one.
          await remove();
          await superuser.query('vacuum customer, customer_key');
          return sample;
        },
      },
    ],
    goal: { leastRatio: { COPY: leastRatio } },
  };
}

function exportCase(platform: BenchPlatform): BenchCase {
  const { superuser, tenantId } = platform;
  const countRows = async () => {
    const sql = 'select count(*)::int as rows from customer where tenant_id = $1 and delete_time is null';
    return (await superuser.query<{ rows: number }>(sql, [tenantId])).rows[0]?.rows ?? 0;
  };
  const copied = `select * from customer where tenant_id = '${tenantId}' and delete_time is null order by id`;
  return {
    name: 'export (NDJSON)',
    unit: 'row',
    ours: {
      name: 'customers',
      run: async () =>
        timed(await countRows(), async () => {
          for await (const _ of platform.download('ExportCustomers', { format: 1 })) continue;
        }),
    },
    baselines: [
      {
        name: 'COPY',
        run: async () =>
          timed(await countRows(), () =>
            pipeline(
              superuser.query(to(`copy (${copied}) to stdout`)),
              new Writable({ write: (_chunk, _encoding, done) => done() }),
            ),
          ),
      },
    ],
  };
}

async function timed(rows: number, work: () => Promise<unknown>): Promise<Sample> {
  const start = performance.now();
  await work();
  return { perSecond: rows / ((performance.now() - start) / 1000) };
}

async function copyOut(client: BenchPlatform['superuser'], sql: string): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of client.query(to(`copy (${sql}) to stdout`))) chunks.push(chunk as Buffer);
  return chunks;
}

function importFile(rows: number): string {
  const row = () => {
    const { givenName, familyName, emails, phones, tags } = newCustomer();
    return JSON.stringify({ givenName, familyName, emails, phones, tags });
  };
  return Array.from({ length: rows }, row).join('\n');
}

async function* fileMessages(file: string) {
  const bytes = Buffer.from(file);
  const piece = (contentType: string, data: Buffer) =>
    ImportCustomersRequest.fromPartial({ file: { contentType, data } });
  yield piece('application/x-ndjson', Buffer.alloc(0));
  for (let start = 0; start < bytes.length; start += 65_536) {
    yield piece('', bytes.subarray(start, start + 65_536));
    await Promise.resolve();
  }
  yield piece('', Buffer.alloc(0));
}
