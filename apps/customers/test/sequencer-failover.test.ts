import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runMigrations } from '@rapport/persistence';
import {
  provisionDatabase,
  queryDatabase,
  startEmbeddedPostgres,
  type EmbeddedPostgres,
  type ProvisionedDatabase,
} from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { entities, migrations } from '../src/database.js';
import { newCaller, person, RunningCustomers } from './running-customers.js';
import { changesOf } from './change-feeds.js';
import { SwitchedServer } from './switched-server.js';

let folder: string;
let primary: EmbeddedPostgres;
/** Has the primary's data from before the service started: later writes are not replicated. */
let standby: EmbeddedPostgres;
let name: SwitchedServer;
let customers: RunningCustomers;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rapport-failover-'));
  primary = await startEmbeddedPostgres({ dataDir: join(folder, 'primary') });
  const urls = await provisionDatabase(primary.superuserUrl, 'customers');
  await runMigrations({ databaseUrl: urls.ownerUrl, entities, migrations });
  await primary.kill('SIGINT');
  await promisify(execFile)('cp', ['-a', join(folder, 'primary'), join(folder, 'standby')]);
  await writeFile(join(folder, 'standby/cluster/standby.signal'), '');
  await primary.start();
  standby = await startEmbeddedPostgres({ dataDir: join(folder, 'standby') });
  name = new SwitchedServer(primary.port);
  customers = await RunningCustomers.start({ databases: throughPort(await name.listen(), urls) });
});
afterAll(async () => {
  await customers.stop();
  name.close();
  await Promise.all([primary.stop(), standby.stop()]);
  await rm(folder, { recursive: true, force: true });
});

function throughPort(port: number, { ownerUrl, appUrl }: ProvisionedDatabase): ProvisionedDatabase {
  const through = (url: string) => Object.assign(new URL(url), { port: String(port) }).href;
  return { ownerUrl: through(ownerUrl), appUrl: through(appUrl) };
}

test('no change is skipped when a promoted standby reuses the transaction ids of lost writes', async () => {
  const caller = newCaller();
  for (let lost = 0; lost < 50; lost += 1) await customers.create(caller, person());
  expect(await changesOf(customers, caller, 50)).toHaveLength(50);
  await queryDatabase(standby.superuserUrl, 'select pg_promote()');

  name.switchTo(standby.port);
  const after = newCaller();
  // With a key: its connection may be a lost one.
  const { id } = await customers.create(after, person(), crypto.randomUUID());

  await expect
    .poll(async () => (await changesOf(customers, after, 1)).map(({ recordId }) => recordId), { interval: 100 })
    .toContain(id);
});
