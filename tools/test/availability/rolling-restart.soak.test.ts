import { randomUUID } from 'node:crypto';
import { printTally, sizeOf, soakTimeoutMs, type Tenant } from '@rapport/testing';
import { beforeAll, expect, test } from 'vitest';
import { replicatedPlatform, type ReplicatedPlatform } from './replicated-platform.ts';
import { SteadyLoad, type LoadRequest } from './steady-load.ts';

const requests = sizeOf('ROLLING_REQUESTS', { short: 300, long: 20_000 });
/** Number of restarts of each process. */
const processes = sizeOf('ROLLING_PROCESSES', { short: 1, long: 2 });

let cluster: ReplicatedPlatform;
let tenant: Tenant;
let id: string;
/** Made with the secrets of before the restarts. */
let former: { pageToken: string; cursor: string };

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
  }
  former = await positions();
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
  ];
  return kinds[index % kinds.length]!;
}

/** A page token and a cursor of the tenant. */
async function positions(): Promise<typeof former> {
  const get = async (path: string) => {
    const answer = await fetch(cluster.platform.edgeUrl + path, {
      headers: { authorization: `Bearer ${tenant.apiKey}` },
    });
    return (await answer.json()) as { nextPageToken?: string; nextCursor?: string };
  };
  const { nextPageToken = '' } = await get('/v1/customers?pageSize=1');
  const { nextCursor = '' } = await get('/v1/changes?pageSize=1');
  return { pageToken: nextPageToken, cursor: nextCursor };
}

test(
  'restarts with other secrets, one of each kind at a time, fail no request',
  { timeout: soakTimeoutMs },
  async () => {
    const load = new SteadyLoad(cluster.platform.edgeUrls, tenant, mixed);
    await load.until(100);
    await cluster.secrets.swap();
    await cluster.roll(processes, load);
    await load.until(requests);
    await load.stop();

    printTally('rolling restart', { 'of each kind': processes, requests: load.sent, failed: load.failures.length });
    expect(load.failures).toEqual([]);
  },
);

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
