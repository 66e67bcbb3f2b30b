import { randomBytes } from 'node:crypto';
import { runMigrations } from '@rapport/persistence';
import { provisionDatabase } from '@rapport/testing';
import pg from 'pg';
import { v7 } from 'uuid';
import { expect, inject, test } from 'vitest';
import { entities, migrations } from '../src/database.js';

interface Moved {
  moved: number;
  last_position: string | null;
}

/** A pass of one change at a time. */
const pass = 'select moved, last_position from sequence_changes(null, null, 0, 1)';

// Without the lock it would wait for the rows, find them gone, and take that for the end of its pass.
test('a pass that waits for another one moves what that leaves', async () => {
  const urls = await provisionDatabase(inject('superuserUrl'), `passes_${randomBytes(6).toString('hex')}`);
  await runMigrations({ databaseUrl: urls.ownerUrl, entities, migrations });
  const [first, second, observer] = [urls.appUrl, urls.appUrl, urls.ownerUrl].map((url) => new pg.Client(url)) as [
    pg.Client,
    pg.Client,
    pg.Client,
  ];
  await Promise.all([first.connect(), second.connect(), observer.connect()]);
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

/** Until a connection waits for a lock. */
async function waits(observer: pg.Client, pid: number | undefined): Promise<void> {
  for (;;) {
    const { rowCount } = await observer.query('select from pg_locks where pid = $1 and not granted', [pid]);
    if (rowCount) return;
  }
}
