import type { MikroORM } from '@mikro-orm/postgresql';
import { AppError } from '@rapport/platform';
import { sizeOf, soakTimeoutMs } from '@rapport/testing';
import { v7 } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pipeline, readForTenant, withConnection } from '../src/index.js';
import { answerCall, asTenant, noteDatabase, tenantWithNotes } from './note-database.js';
import { Note } from './note.entity.js';

const readers = 100;
/** Reads of each reader. */
const reads = sizeOf('TENANT_READS', { short: 8, long: 1_000 });

let orm: MikroORM;

beforeAll(async () => {
  ({ orm } = await noteDatabase());
});
afterAll(() => orm.close());

function inParallel(readOn: (from: number) => Promise<void>): Promise<unknown> {
  return Promise.all(Array.from({ length: readers }, (_, reader) => readOn(reader)));
}

/** Retries what was refused because the tenant's share of the connections was in use for too long. */
async function untilTaken<Result>(read: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof AppError) || error.reason !== 'TOO_MANY_CONCURRENT') throw error;
    }
  }
}

test(
  `calls of two tenants see only their own rows, in ${readers * reads} concurrent reads`,
  { timeout: soakTimeoutMs },
  async () => {
    const counts = [3, 5];
    const tenants = await Promise.all(counts.map((count) => tenantWithNotes(orm, count)));

    await inParallel(async (from) => {
      for (let read = from; read < from + reads; read += 1) {
        const caller = { tenantId: tenants[read % 2] ?? '', principalId: 'apiKey:test', permissions: [] };
        const notes = await untilTaken(() =>
          answerCall(orm, caller, (em) =>
            read % 4 < 2 ? em.find(Note, {}) : em.transactional((transaction) => transaction.find(Note, {})),
          ),
        );
        expect(notes.map(({ text }) => text)).toEqual(Array(counts[read % 2]).fill(tenants[read % 2]));
      }
    });
  },
);

test(
  `readForTenant shows 20 tenants only their own rows, in ${readers * reads} concurrent reads, and leaves no tenant set`,
  { timeout: soakTimeoutMs },
  async () => {
    const counts = Array.from({ length: 20 }, (_, index) => index % 4);
    const tenants = await Promise.all(counts.map((count) => tenantWithNotes(orm, count)));
    const statements = [
      { sql: 'select text from note' },
      { sql: 'select text from note where id > $1', values: [v7({ msecs: 0 })], name: 'notes_after' },
    ] as const;

    await inParallel(async (from) => {
      for (let read = from; read < from + reads; read += 1) {
        const tenantId = tenants[read % 20] ?? '';
        const statement = statements[read % 2 === 0 ? 0 : 1];
        const settings: Record<string, string> = read % 3 === 0 ? { jit: 'off' } : {};
        const rows = await untilTaken(() =>
          asTenant(orm, tenantId, (em) => readForTenant<{ text: string }>(em, statement, settings)),
        );
        expect(rows).toEqual(Array(counts[read % 20]).fill({ text: tenantId }));
      }
    });

    expect(await readForTenant(orm.em.fork(), { sql: 'select text from note' })).toEqual([]);
    const tenantOf = { sql: `select nullif(current_setting('app.tenant_id', true), '') as tenant` };
    const left = () => withConnection(orm.em, async (client) => (await pipeline(client, [tenantOf]))[0]?.rows);
    expect(await Promise.all(Array.from({ length: 40 }, left))).toEqual(Array(40).fill([{ tenant: null }]));
  },
);
