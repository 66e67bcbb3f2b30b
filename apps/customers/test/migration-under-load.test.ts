import { Migration } from '@mikro-orm/migrations';
import { runMigrations } from '@rapport/persistence';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { entities } from '../src/database.js';
import { migrations } from '../src/migrations.js';
import { newCaller, person, RunningCustomers } from './running-customers.js';

/** A migration as a later release may have: the running release does not know it. */
class AddNickname extends Migration {
  override name = 'add-nickname';

  override up(): void {
    this.addSql(`alter table customer add column nickname text`);
    this.addSql(`create index customer_nickname on customer (tenant_id, nickname)`);
  }
}

const caller = newCaller();
let customers: RunningCustomers;

// A service of its own: it migrates the database.
beforeAll(async () => {
  customers = await RunningCustomers.start();
});
afterAll(() => customers.stop());

test('a migration under load fails no call, even when it has to wait for a long reader', async () => {
  const database = { databaseUrl: customers.urls.ownerUrl, entities, migrations: [...migrations, AddNickname] };
  let isOver = false;
  let answered = 0;
  const callers = Promise.all(
    Array.from({ length: 8 }, async () => {
      while (!isOver) {
        await customers.create(caller, person(), crypto.randomUUID());
        await customers.names(caller, { pageSize: 5 });
        answered += 2;
      }
    }),
  );
  const reader = await customers.connectAsSuperuser();
  await reader.query('begin; select count(*) from customer');

  // It gives up after 3 s, or every call would queue behind it.
  await expect(runMigrations(database)).rejects.toMatchObject({ code: '55P03' });
  await reader.query('rollback');
  await reader.end();
  expect(await runMigrations(database)).toEqual(['add-nickname']);

  const before = answered;
  await expect.poll(() => answered).toBeGreaterThan(before + 50);
  isOver = true;
  await callers;
});
