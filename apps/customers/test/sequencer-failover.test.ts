import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { queryDatabase, startEmbeddedPostgres, type EmbeddedPostgres } from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newCaller, person, RunningCustomers } from './running-customers.js';
import { changesOf } from './change-feeds.js';
import { startMigratedServer, throughPort } from './migrated-server.js';
import { SwitchedServer } from './switched-server.js';

let folder: string;
let primary: EmbeddedPostgres;
/** Has what the primary had when it was copied: later writes are not replicated. */
let standby: EmbeddedPostgres;
let name: SwitchedServer;
let customers: RunningCustomers;
const keeper = newCaller();
/** Cursor of a change that the standby has, and of one that it lacks. */
const cursor = { kept: '', lost: '' };
/** A signed head of an audit entry that the standby lacks. */
let lostHead: { number: number; hash: string };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rapport-failover-'));
  const made = await startMigratedServer(join(folder, 'primary'));
  primary = made.server;
  name = new SwitchedServer(primary.port);
  customers = await RunningCustomers.start({ databases: throughPort(await name.listen(), made.urls) });
  await customers.create(keeper, person());
  cursor.kept = (await changesOf(customers, keeper, 1))[0]?.cursor ?? '';
  await primary.kill('SIGINT');
  await promisify(execFile)('cp', ['-a', join(folder, 'primary'), join(folder, 'standby')]);
  await writeFile(join(folder, 'standby/cluster/standby.signal'), '');
  await primary.start();
  standby = await startEmbeddedPostgres({ dataDir: join(folder, 'standby') });
});
afterAll(async () => {
  await customers.stop();
  name.close();
  await Promise.all([primary.stop(), standby.stop()]);
  await rm(folder, { recursive: true, force: true });
});

const list = (from: string) => customers.call('listChanges', { cursor: from }, keeper);

test('no change is skipped when a promoted standby reuses the transaction ids of lost writes', async () => {
  const caller = newCaller();
  // With a key: the server was restarted, so that connections may be lost ones.
  for (let lost = 0; lost < 50; lost += 1) await customers.create(caller, person(), crypto.randomUUID());
  expect(await changesOf(customers, caller, 50)).toHaveLength(50);
  await customers.create(keeper, person(), crypto.randomUUID());
  await expect.poll(async () => (await list(cursor.kept)).changes, { interval: 100 }).toHaveLength(1);
  cursor.lost = (await list(cursor.kept)).nextCursor;
  lostHead = await customers.call('signAuditHead', {}, keeper);
  await queryDatabase(standby.superuserUrl, 'select pg_promote()');

  name.switchTo(standby.port);
  const after = newCaller();
  // With a key: its connection may be a lost one.
  const { id } = await customers.create(after, person(), crypto.randomUUID());

  await expect
    .poll(async () => (await changesOf(customers, after, 1)).map(({ recordId }) => recordId), { interval: 100 })
    .toContain(id);
});

test('cursors expire beyond what the promoted standby has only, and others go on', async () => {
  const { id } = await customers.create(keeper, person(), crypto.randomUUID());
  const read = async () => (await list(cursor.kept)).changes.map(({ recordId }) => recordId);
  await expect.poll(read, { interval: 100 }).toEqual([id]);

  const lost = await list(cursor.lost).catch((error: unknown) => error);
  expect(lost).toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'CURSOR_EXPIRED' });
  const { nextCursor } = await list(cursor.kept);
  expect((await list(nextCursor)).changes).toEqual([]);
  const forks = await queryDatabase(customers.urls.ownerUrl, 'select position from change_log_fork');
  expect(forks).toHaveLength(1);
});

test('the audit says where it was cut, and does not match the head of a lost entry', async () => {
  const { entries } = await customers.call('listAuditEntries', {}, keeper);

  expect(lostHead.number).toBe(2);
  expect(entries.map(({ number, kind }) => `${number} ${kind}`)).toEqual(['3 CHANGE', '2 CUT', '1 CHANGE']);
  const [{ position, time } = {}] = await queryDatabase<{ position: string; time: Date }>(
    customers.urls.ownerUrl,
    'select position, time from change_log_fork',
  );
  expect(entries[1]).toMatchObject({
    actor: 'service:customers',
    detail: { keptPosition: Number(position), time: time?.toISOString() },
  });
  expect((await customers.call('verifyAuditEntries', {}, keeper)).fault).toBeUndefined();
  const { number, hash } = lostHead;
  const verified = await customers.call('verifyAuditEntries', { range: { head: { number, hash } } }, keeper);
  expect(verified.fault).toMatchObject({ number: 2 });
});
