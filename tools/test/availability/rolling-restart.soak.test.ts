import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { secretKeyId } from '@rapport/platform';
import { isSoak, keysInUse, printTally, queryDatabase, sizeOf, soakTimeoutMs, type Tenant } from '@rapport/testing';
import { beforeAll, expect, test } from 'vitest';
import { ApiClient } from '../api-client.ts';
import { FeedReader, PageWalk } from './kept-positions.ts';
import { PeerTable } from './peer-table.ts';
import { replicatedPlatform, type ReplicatedPlatform } from './replicated-platform.ts';
import { SteadyLoad, type LoadRequest } from './steady-load.ts';

const requests = sizeOf('ROLLING_REQUESTS', { short: 300, long: 20_000 });
/** Number of restarts of each process. */
const processes = sizeOf('ROLLING_PROCESSES', { short: 1, long: 2 });
/** Rounds of rotations: the platform starts after the first round. */
const rounds = isSoak ? (['swap', 'retire', 'introduce', 'swap'] as const) : (['swap'] as const);
/** Longer than a principal token is valid. */
const tokenMs = 61_000;

let cluster: ReplicatedPlatform;
let tenant: Tenant;
let id: string;
/** Made with former secrets that are still valid. */
let former: { pageToken: string; cursor: string };
let feed: FeedReader;
const people = new PageWalk();
let peer: PeerTable;
/** Of the people of the tenant. */
const ids: string[] = [];

beforeAll(async () => {
  cluster = await replicatedPlatform();
  tenant = await cluster.platform.createTenant('Rolled');
  for (const displayName of ['Ada', 'Eve']) {
    const created = await fetch(`${cluster.platform.edgeUrl}/v1/customers`, {
      method: 'POST',
      headers: { authorization: `Bearer ${tenant.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ kind: 'PERSON', displayName }),
    });
    ({ id } = (await created.json()) as { id: string });
    ids.push(id);
  }
  former = await positions();
  feed = new FeedReader(former.cursor);
  peer = await PeerTable.create(cluster.platform, await ApiClient.connect(cluster.platform.edgeUrl, tenant.apiKey));
}, 300_000);

/** Reads that reach the services, and writes with and without a key. */
function mixed(index: number): LoadRequest {
  const past = { 'cache-control': 'no-cache' };
  const body = { kind: 'COMPANY', displayName: `Company ${index}` };
  const kinds: LoadRequest[] = [
    { method: 'GET', path: `/v1/customers/${id}`, headers: past },
    { method: 'GET', path: '/v1/customers?pageSize=5', headers: past },
    { method: 'POST', path: '/v1/customers', headers: { 'idempotency-key': randomUUID() }, body },
    { method: 'GET', path: `/v1/customers/${id}/history` },
    { method: 'POST', path: '/v1/customers', body },
    { method: 'GET', path: `/v1/customers?pageSize=1&pageToken=${former.pageToken}`, headers: past },
    { method: 'GET', path: `/v1/changes?pageSize=5&cursor=${former.cursor}` },
    { method: 'GET', path: '/v1/tenant' },
    { method: 'GET', path: '/v1/webhookEndpoints' },
    feed.next(),
    people.next(),
  ];
  return kinds[index % kinds.length]!;
}

/** A page token and a cursor of the tenant. */
async function positions(): Promise<typeof former> {
  const { nextPageToken = '' } = await get('/v1/customers?pageSize=1');
  const { nextCursor = '' } = await get('/v1/changes?pageSize=1');
  return { pageToken: nextPageToken, cursor: nextCursor };
}

async function get(path: string): Promise<{ nextPageToken?: string; nextCursor?: string }> {
  const headers = { authorization: `Bearer ${tenant.apiKey}` };
  const answer = await fetch(cluster.platform.edgeUrl + path, { headers });
  expect(answer.status).toBe(200);
  return (await answer.json()) as { nextPageToken?: string; nextCursor?: string };
}

/** The errors that processes have logged: the reason `INTERNAL` of a failed run says nothing. */
async function loggedErrors(): Promise<string> {
  const { logDir } = cluster.platform;
  const files = (await readdir(logDir)).filter((name) => name.endsWith('.log'));
  const texts = await Promise.all(files.map((name) => readFile(join(logDir, name), 'utf8')));
  return texts.flatMap((text) => text.split('\n').filter((line) => line.includes('"level":50'))).join('\n');
}

test(
  'every secret is rotated under load: no request fails, no cursor, page token or connection is lost, and no change is skipped',
  { timeout: soakTimeoutMs },
  async () => {
    const whole = new FeedReader(former.cursor);
    const load = new SteadyLoad(cluster.platform.edgeUrls, tenant, mixed);
    await load.until(100);
    for (const [index, round] of rounds.entries()) {
      if (round === 'retire') await untilFormerAreUnneeded();
      await cluster.secrets[round]();
      for (const name of ['auth', 'customers', 'sync', 'edge']) {
        await cluster.platform.trust.certificatesOf(name, true);
      }
      await cluster.roll(processes, load);
      await peer.exchange(`Peer${index}`);
      if (round !== 'swap') continue;
      // Those that were made before are refused once the former key is removed.
      former = await positions();
      await readToEnd(whole);
    }
    await load.until(requests);
    await load.stop();

    const walks = people.walks.map((walk) => walk.toSorted().join());
    const figures = { 'of each kind': processes, requests: load.sent, failed: load.failures.length };
    printTally('rotation', { rounds: rounds.length, ...figures, changes: feed.ids.length, walks: walks.length });
    expect(load.failures).toEqual([]);
    expect(new Set(walks)).toEqual(new Set([ids.toSorted().join()]));
    await readToEnd(whole);
    expect(feed.ids).toEqual(whole.ids.slice(0, feed.ids.length));
    expect(feed.ids.length).toBeGreaterThan(0);
    expect(await peer.failures(), await loggedErrors()).toEqual([]);
  },
);

/** Waits for what docs/operations.md names for each secret before its former value is removed. */
async function untilFormerAreUnneeded(): Promise<void> {
  const { env } = cluster.secrets;
  const { trust, postgres } = cluster.platform;
  const authUrl = Object.assign(new URL(postgres.superuserUrl), { pathname: 'auth' }).href;
  const current = secretKeyId(Buffer.from(await readFile(env.auth['API_KEY_HMAC_KEY_FILE'] ?? '', 'utf8'), 'base64'));
  // The tenants of other tests have keys that are used no more, so that the command of auth would wait for ever.
  const sql = 'select from api_key where tenant_id = $1 and hash_key_id = $2';
  const renewed = () => queryDatabase(authUrl, sql, [tenant.tenantId, current]);
  await expect.poll(renewed, { timeout: 240_000, interval: 1_000 }).toHaveLength(1);
  for (const name of ['customers', 'sync'] as const) {
    const path = (secret: string) => join(dirname(trust.signingKeyFile), `${name}-${secret}`);
    const files = { DATABASE_URL_FILE: path('database-url'), KEYS_DATABASE_URL_FILE: path('keys-database-url') };
    const isUnneeded = async () => (await keysInUse(name, { ...files, ...env[name] })).exitCode === 0;
    await expect.poll(isUnneeded, { timeout: 240_000, interval: 5_000 }).toBe(true);
  }
  // Tokens that were signed before are valid for so long.
  await delay(tokenMs);
}

/** Reads all changes of the tenant after the position of a reader. */
async function readToEnd(reader: FeedReader): Promise<void> {
  for (let known = -1; known < reader.ids.length;) {
    known = reader.ids.length;
    const { path, onAnswer } = reader.next();
    onAnswer?.(await get(path));
  }
}

test(
  'a third process of a service gets its share of calls, and stops without a failed request',
  { timeout: soakTimeoutMs },
  async () => {
    const load = new SteadyLoad(cluster.platform.edgeUrls, tenant, mixed);
    const startedAt = performance.now();
    await cluster.add('customers', '127.0.0.3');

    const share = () => cluster.shareOf('customers', '127.0.0.3', load);
    await expect.poll(share, { timeout: 240_000 }).toBeGreaterThanOrEqual(0.2);
    const ms = Math.round(performance.now() - startedAt);
    printTally('third replica', { 'a fifth of the calls after ms, its start included': ms });
    await cluster.remove('customers', '127.0.0.3');
    await load.until(load.sent + 100);
    await load.stop();

    expect(load.failures).toEqual([]);
  },
);
