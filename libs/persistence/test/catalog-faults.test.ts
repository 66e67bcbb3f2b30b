import pg from 'pg';
import { inject, expect, test } from 'vitest';
import { catalogFaults } from '../src/index.js';
import { databaseWithOwnRoles, noteDatabase } from './note-database.js';

/** The faults after the owner changes a valid schema. */
async function faultsAfter(sql: string): Promise<string[]> {
  const { orm, urls } = await noteDatabase();
  await orm.close();
  await run(urls.ownerUrl, sql);
  return catalogFaults(urls.appUrl);
}

async function run(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

test('finds nothing in a valid schema', async () => {
  expect(await faultsAfter('select')).toEqual([]);
});

test.each([
  ['alter table note alter tenant_id drop not null', null],
  ['alter table note disable row level security', 'note: row-level security is not enabled'],
  ['alter table note no force row level security', 'note: row-level security is not forced on the owner'],
  ['alter table note drop constraint note_pkey', 'note: has no primary key'],
  ['alter table note add unique (text)', 'note: the unique index note_text_key is not led by tenant_id'],
  [
    'alter table note drop constraint note_pkey, add primary key (id, tenant_id)',
    'note: the primary key is not led by tenant_id',
  ],
  [
    'create policy all_rows on note for select using (true)',
    'note: has a permissive policy that lets other rows through',
  ],
  [
    'create view note_text as select text from note',
    "note_text: the view runs with its owner's rights (security_invoker is off)",
  ],
  ['create view note_text with (security_invoker) as select text from note', undefined],
  [
    'create materialized view note_text as select text from note',
    'note_text: a materialized view can not have row-level security',
  ],
  [
    'alter table note add unique (tenant_id, text); alter table note add parent uuid, add foreign key (parent, text) references note (tenant_id, text)',
    'note: the foreign key note_parent_text_fkey does not pair tenant_id with tenant_id',
  ],
  ['alter table note add parent uuid, add foreign key (tenant_id, parent) references note (tenant_id, id)', undefined],
  ['create policy all_rows on note to current_user using (true)', undefined],
])('%s', async (sql, fault) => {
  if (fault === null) return expect(faultsAfter(sql)).rejects.toThrow(/primary key/);
  expect(await faultsAfter(sql)).toEqual(fault === undefined ? [] : [fault]);
});

test('names every fault of a table without a tenant column, unless it is exempt', async () => {
  const { orm, urls } = await noteDatabase();
  await orm.close();
  await run(urls.ownerUrl, 'create table country (code text primary key)');

  expect(await catalogFaults(urls.appUrl)).toEqual([
    'country: has no column "tenant_id uuid not null"',
    'country: has no policy that compares tenant_id with app.tenant_id for all commands',
    'country: row-level security is not enabled',
    'country: row-level security is not forced on the owner',
    'country: the primary key is not led by tenant_id',
  ]);
  expect(await catalogFaults(urls.appUrl, ['country'])).toEqual([]);
});

test('checks a table as soon as the role has a privilege on one of its columns', async () => {
  const { orm, urls } = await noteDatabase();
  await orm.close();
  const role = new URL(urls.appUrl).username;

  await run(urls.ownerUrl, `alter table note disable row level security; revoke all on note from ${role}`);
  expect(await catalogFaults(urls.appUrl)).toEqual([]);

  await run(urls.ownerUrl, `grant select (text) on note to ${role}`);
  expect(await catalogFaults(urls.appUrl)).toEqual(['note: row-level security is not enabled']);
});

test('checks the policies of a role that the service’s role can assume', async () => {
  const urls = await databaseWithOwnRoles();
  const role = new URL(urls.appUrl).username;
  await run(inject('superuserUrl'), `create role ${role}_other; grant ${role}_other to ${role} with inherit false`);

  await run(urls.ownerUrl, `create policy all_rows on note to ${role}_other using (true)`);

  expect(await catalogFaults(urls.appUrl)).toEqual(['note: has a permissive policy that lets other rows through']);
});

test('checks other schemas too, unless exempt', async () => {
  const { orm, urls } = await noteDatabase();
  await orm.close();
  const role = new URL(urls.appUrl).username;

  await run(
    urls.ownerUrl,
    `create schema side; create table side.note (tenant_id uuid not null, id uuid not null, primary key (tenant_id, id));
     grant usage on schema side to ${role}; grant select on side.note to ${role}`,
  );

  expect(await catalogFaults(urls.appUrl)).toContain('side.note: row-level security is not enabled');
  expect(await catalogFaults(urls.appUrl, ['side.note'])).toEqual([]);
});

test('names a policy that admits more rows, unless it is exempt', async () => {
  const { orm, urls } = await noteDatabase();
  await orm.close();

  await run(urls.ownerUrl, 'create policy all_rows on note for select using (true)');

  expect(await catalogFaults(urls.appUrl, [], ['note.all_rows'])).toEqual([]);
  expect(await catalogFaults(urls.appUrl, [], ['note.other_rows', 'idempotency_key.all_rows'])).toEqual([
    'note: has a permissive policy that lets other rows through',
  ]);
});

test('names a policy that does not compare with the tenant', async () => {
  const faults = await faultsAfter(`
    drop policy tenant_isolation on note;
    create policy tenant_isolation on note using (tenant_id = current_setting('app.other', true)::uuid)`);

  expect(faults).toEqual([
    'note: has a permissive policy that lets other rows through',
    'note: has no policy that compares tenant_id with app.tenant_id for all commands',
  ]);
});

test('names privileges of the role that bypass row-level security', async () => {
  const urls = await databaseWithOwnRoles();
  const role = new URL(urls.appUrl).username;
  await run(inject('superuserUrl'), `alter role ${role} bypassrls`);

  expect(await catalogFaults(urls.appUrl)).toEqual([`role ${role}: has BYPASSRLS`]);
  expect(await catalogFaults(urls.ownerUrl)).toContain(
    `note: is owned by the role ${new URL(urls.ownerUrl).username} that the service uses`,
  );
});
