import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { v7 } from 'uuid';
import type { SeedRandom } from '../seed/seed-random.ts';

/** A change as writers commit it and readers find it: \`<record id>/<version>\`. */
export type Event = string;

export interface Writers {
  tenantId: string;
  /** Everything committed, in any order. */
  committed: Set<Event>;
}

/** Amount of writes. */
export interface Stress {
  /** Transactions of each writer. */
  transactions: number;
  /** Longest duration of a transaction: readers must cope with any order of commits. */
  longestMs: number;
  random: SeedRandom;
}

export const writerCount = 24;
const recordCount = 12;

/** Writers before their first write. */
export function newWriters(): Writers {
  return { tenantId: v7(), committed: new Set() };
}

/**
 * Lets 24 writers change the same few customers, in transactions that stay open for a while, some of which are rolled
 * back.
 *
 * @param appUrl of a migrated database
 */
export async function runWriters(appUrl: string, writers: Writers, stress: Stress): Promise<void> {
  const ids = Array.from({ length: recordCount }, () => v7()).sort();
  const pool = new pg.Pool({ connectionString: appUrl, max: writerCount });
  try {
    await writing(pool, writers, async (client, note) => {
      for (const id of ids) note(await insert(client, writers.tenantId, id));
    });
    await Promise.all(
      Array.from({ length: writerCount }, async (_, number) => {
        for (let done = 0; done < stress.transactions; done += 1) await writeOnce(pool, writers, ids, number, stress);
      }),
    );
  } finally {
    await pool.end();
  }
}

/** One transaction: creates a customer and changes up to two of the shared ones, in the order that avoids deadlocks. */
async function writeOnce(
  pool: pg.Pool,
  writers: Writers,
  ids: string[],
  number: number,
  { longestMs, random }: Stress,
): Promise<void> {
  const stayOpen = () => delay(random.next() * (longestMs / 2));
  await writing(pool, writers, async (client, note) => {
    note(await insert(client, writers.tenantId, v7()));
    await stayOpen();
    const chosen = ids.filter(() => random.chance(1.2 / recordCount));
    for (const id of chosen) note(await update(client, id, `writer ${number}`));
    // Writers that wait for the shared customers wait here.
    if (chosen.length === 0 || random.chance(0.1)) await stayOpen();
    if (random.chance(0.1)) throw new RolledBack();
  });
}

class RolledBack extends Error {}

async function writing(
  pool: pg.Pool,
  { tenantId, committed }: Writers,
  work: (client: pg.PoolClient, note: (event: Event) => void) => Promise<void>,
): Promise<void> {
  const events: Event[] = [];
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query(`select set_config('app.tenant_id', $1, true)`, [tenantId]);
    await work(client, (event) => events.push(event));
    await client.query('commit');
    for (const event of events) committed.add(event);
  } catch (error) {
    await client.query('rollback');
    if (!(error instanceof RolledBack)) throw error;
  } finally {
    client.release();
  }
}

async function insert(client: pg.PoolClient, tenantId: string, id: string): Promise<Event> {
  await client.query(
    `insert into customer (tenant_id, id, kind, display_name, emails, phones, addresses, external_ids, domains, tags,
       search_text, sort_name, version, create_time, update_time, created_by, updated_by)
     values ($1, $2, 'PERSON', 'x', '[]', '[]', '[]', '[]', '{}', '{}', 'x', 'x', 1, now(), now(), 'test', 'test')`,
    [tenantId, id],
  );
  return `${id}/1`;
}

async function update(client: pg.PoolClient, id: string, name: string): Promise<Event> {
  const { rows } = await client.query<{ version: number }>(
    'update customer set version = version + 1, given_name = $2 where id = $1 returning version',
    [id, name],
  );
  return `${id}/${rows[0]?.version}`;
}

/** Faults in the changes that a reader has read, as numbers. */
export function compare({ committed }: Writers, read: readonly Event[]) {
  const seen = new Set<Event>();
  const versions = new Map<string, number>();
  let outOfOrder = 0;
  for (const event of read) {
    seen.add(event);
    const [id = '', version] = event.split('/');
    if (Number(version) <= (versions.get(id) ?? 0)) outOfOrder += 1;
    versions.set(id, Number(version));
  }
  return {
    lost: [...committed].filter((event) => !seen.has(event)).length,
    invented: [...seen].filter((event) => !committed.has(event)).length,
    doubled: read.length - seen.size,
    outOfOrder,
  };
}
