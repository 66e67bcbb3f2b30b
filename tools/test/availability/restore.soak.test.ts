import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { printTally, queryDatabase, sizeOf, soakTimeoutMs, type Platform } from '@rapport/testing';
import { beforeAll, expect, test, vi } from 'vitest';
import { ApiClient } from '../api-client.ts';
import { durablePlatform } from '../durable-platform.ts';

const run = promisify(execFile);
const apps = join(import.meta.dirname, '../../../apps');
/** Customers in the backup, and after it. */
const [kept, lost] = [sizeOf('RESTORE_CUSTOMERS', { short: 20, long: 20_000 }), 10];

let dataDir: string;
let cluster: string;
let platform: Platform;
let api: ApiClient;

beforeAll(async () => {
  ({ platform, dataDir } = await durablePlatform());
  cluster = join(dataDir, 'postgres/cluster');
  api = await ApiClient.connect(platform.edgeUrl, (await platform.createTenant('Restored')).apiKey);
}, 300_000);

async function createCustomers(count: number): Promise<void> {
  for (let made = 0; made < count; made += 1_000) {
    const items = Array.from({ length: Math.min(1_000, count - made) }, (_, n) => ({
      customer: { kind: 'COMPANY', displayName: `Company ${made + n}` },
    }));
    expect((await api.send('POST', '/v1/customers:batchCreate', { body: { items } })).status).toBe(200);
  }
}

async function newestCursor(): Promise<string> {
  let page = { nextCursor: '', hasMore: true };
  while (page.hasMore) {
    const cursor = page.nextCursor && `&cursor=${encodeURIComponent(page.nextCursor)}`;
    page = (await api.send('GET', `/v1/changes?pageSize=200${cursor}`)).body as typeof page;
  }
  return page.nextCursor;
}

/** Whether customers answers: its connections end with their server. */
async function isAnswered(): Promise<boolean> {
  const { status } = await api.send('GET', '/v1/customers', { headers: { 'cache-control': 'no-cache' } });
  return status === 200;
}

async function edgeStatus(): Promise<string> {
  return ((await (await fetch(`${platform.edgeUrl}/readyz`)).json()) as { status: string }).status;
}

/** Stops the database server, runs `work` on its files, and restarts it. */
async function withoutServer(work: () => Promise<unknown>): Promise<void> {
  await platform.postgres.kill('SIGINT');
  await work();
  await platform.postgres.start();
}

/** Puts the files of the backup in place of the server's, and restarts what has the database open. */
async function restore(backup: string): Promise<void> {
  const { customers, auth, sync } = platform.services;
  const openers = [customers, auth, sync];
  await Promise.all(openers.map((service) => service.stop()));
  await withoutServer(async () => {
    await rm(cluster, { recursive: true });
    await run('cp', ['-a', backup, cluster]);
  });
  // A restored file copy looks like the original (ADR 0015), so an operator marks it.
  await queryDatabase(platform.customersDatabase.superuserUrl, 'select renew_change_log_epoch()');
  await Promise.all(openers.map((service) => service.start()));
  await expect.poll(edgeStatus, { timeout: 120_000 }).toBe('ok');
}

// No pg_dump of PostgreSQL 18 comes with its programs, so the backup is a copy of the files of a stopped server.
test(
  'a restored database has its data, verifies, and refuses earlier cursors',
  { timeout: soakTimeoutMs },
  async () => {
    const backup = join(dataDir, 'backup');
    await createCustomers(kept);
    const before = await newestCursor();
    await withoutServer(() => run('cp', ['-a', cluster, backup]));
    await vi.waitUntil(isAnswered, { timeout: 120_000, interval: 100 });
    await createCustomers(lost);
    const after = await newestCursor();

    await restore(backup);

    const { body } = await api.send('GET', '/v1/customers?total=EXACT', { headers: { 'cache-control': 'no-cache' } });
    expect(body).toMatchObject({ totalSize: kept });
    for (const cursor of [before, after]) {
      const refused = async () => {
        const { status, body } = await api.send('GET', `/v1/changes?cursor=${encodeURIComponent(cursor)}`);
        // The edge calls the feed on a separate connection, which may not be restored yet.
        return status === 503 ? undefined : body;
      };
      expect(await vi.waitUntil(refused, { timeout: 60_000, interval: 100 })).toMatchObject({ code: 'CURSOR_EXPIRED' });
    }
    await createCustomers(1);
    for (const service of ['customers', 'auth']) expect(await verifyAudit(service)).toMatch(/"isSound":true/);
    printTally('restore', { 'customers in the backup': kept, 'after it': lost });
  },
);

/** The output of the operator's command. @throws Error when a chain is broken */
async function verifyAudit(service: string): Promise<string> {
  const secret = (name: string) => join(dataDir, 'secrets', `${service}-${name}`);
  const { stdout } = await run(process.execPath, [join(apps, service, 'dist/verify-audit.js')], {
    env: {
      ...process.env,
      DATABASE_URL_FILE: secret('database-url'),
      AUDIT_SIGNING_KEY_FILE: secret('audit-signing-key'),
    },
  });
  return stdout;
}
