import pg from 'pg';
import { v7 } from 'uuid';
import { expect, test } from 'vitest';
import { newDatabase } from './databases.js';

interface Moved {
  moved: number;
  last_position: string | null;
}

/** PostgreSQL may use a generic plan from the sixth execution on. */
const callsUntilPlanned = 12;

/** A pass of one change. */
const pass = 'select moved, last_position from sequence_changes(null, null, 0, 1)';

// Without the lock it would wait for the rows, find them gone, and treat that as the end of its pass.
test('a pass that waits for another one moves the rest', async () => {
  const [first, second, observer] = await connect();
  await addCustomers(first, 2);
  const { rows } = await second.query<{ pid: number }>('select pg_backend_pid() as pid');

  await first.query('begin');
  const moved = await first.query<Moved>(pass);
  const moving = second.query<Moved>(pass);
  await waits(observer, rows[0]?.pid);
  await first.query('commit');
  const movedAfter = await moving;
  await Promise.all([first.end(), second.end(), observer.end()]);

  expect([...moved.rows, ...movedAfter.rows]).toEqual([
    { moved: 1, last_position: '1' },
    { moved: 1, last_position: '2' },
  ]);
});

// The sequencers of all processes look, most of the time for nothing.
test('a pass without changes does not wait for one that moves changes', async () => {
  const [first, second, owner] = await connect();

  await first.query('begin');
  await first.query('select lock_change_log()');
  const moved = await second.query<Moved>(pass);
  await first.query('commit');
  await Promise.all([first.end(), second.end(), owner.end()]);

  expect(moved.rows).toEqual([{ moved: 0, last_position: null }]);
});

test('a session with a plan for an empty outbox reads as few blocks as a new one when the outbox is full', async () => {
  const [early, late, owner] = await connect();
  await owner.query('vacuum analyze outbox');
  for (let call = 0; call < callsUntilPlanned; call += 1) await early.query(pass);
  await addCustomers(late, 4_000);

  const plannedFull = await blocksOfPass(late);
  const plannedEmpty = await blocksOfPass(early);
  await Promise.all([early.end(), late.end(), owner.end()]);

  expect(plannedEmpty).toBeLessThan(2 * plannedFull);
});

/** New connections: two with the app role, and one as the owner. */
async function connect(): Promise<[pg.Client, pg.Client, pg.Client]> {
  const urls = await newDatabase();
  const client = async (url: string) => {
    const connected = new pg.Client(url);
    await connected.connect();
    return connected;
  };
  return [await client(urls.appUrl), await client(urls.appUrl), await client(urls.ownerUrl)];
}

async function addCustomers(app: pg.Client, count: number): Promise<void> {
  const tenantId = v7();
  await app.query('begin');
  await app.query(`select set_config('app.tenant_id', $1, true)`, [tenantId]);
  await app.query(
    `insert into customer (tenant_id, id, kind, display_name, emails, phones, addresses, external_ids, domains, tags,
       search_text, sort_name, version, create_time, update_time, created_by, updated_by)
     select $1, gen_random_uuid(), 'PERSON', 'x', '[]', '[]', '[]', '[]', '{}', '{}', 'x', 'x', 1, now(), now(), 'test',
       'test'
     from generate_series(1, $2)`,
    [tenantId, count],
  );
  await app.query('commit');
}

/** Blocks that PostgreSQL touches to move 256 changes. */
async function blocksOfPass(app: pg.Client): Promise<number> {
  const { rows } = await app.query<{
    'QUERY PLAN': [{ Plan: { 'Shared Hit Blocks': number; 'Shared Read Blocks': number } }];
  }>('explain (analyze, buffers, format json) select from sequence_changes(null, null, 0, 256)');
  const { Plan } = rows[0]!['QUERY PLAN'][0];
  return Plan['Shared Hit Blocks'] + Plan['Shared Read Blocks'];
}

/** Waits until a connection waits for a lock. */
async function waits(observer: pg.Client, pid: number | undefined): Promise<void> {
  for (;;) {
    const { rowCount } = await observer.query('select from pg_locks where pid = $1 and not granted', [pid]);
    if (rowCount) return;
  }
}
