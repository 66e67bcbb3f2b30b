import { connect, type Socket } from 'node:net';
import {
  isSoak,
  percentile,
  printTally,
  queryDatabase,
  sizeOf,
  soakTimeoutMs,
  type Platform,
  type Tenant,
} from '@rapport/testing';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { newMarker } from '../access/markers.ts';
import { makeTenantRecords } from '../access/tenant-records.ts';
import { ApiClient } from '../api-client.ts';
import { killedPlatform } from './killed-platform.ts';

/** Limit of feeds of a standard-plan tenant at one edge. */
const feedPlaces = 50;

/** Of six calls each. */
const probeRounds = sizeOf('PROBE_ROUNDS', { short: 10, long: 500 });

let platform: Platform;
let hostile: Tenant;
let calm: ApiClient;
const sockets: Socket[] = [];

beforeAll(async () => {
  ({ platform } = await killedPlatform());
  hostile = await platform.createTenant('Hostile');
  calm = await ApiClient.connect(platform.edgeUrl, (await platform.createTenant('Calm')).apiKey);
}, 120_000);
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

it('abandoned polls hold no place, and take none from another tenant', { timeout: soakTimeoutMs }, async () => {
  const sends = sizeOf('ABANDONED_POLLS', { short: 200, long: 10_000 });
  for (let sent = 0; sent < sends; sent += feedPlaces) {
    const polls = new HostilePolls();
    await expect.poll(() => polls.open(feedPlaces)).toBe(feedPlaces);
    polls.abandon();
    const { status } = await calm.send('GET', '/v1/changes');
    expect(status).toBe(200);
    // Each would wait for 30 s.
    await expect.poll(readers, { timeout: 10_000 }).toBe(0);
  }
});

it('abandoned watches of a run hold no place', { timeout: soakTimeoutMs }, async () => {
  const api = await ApiClient.connect(platform.edgeUrl, hostile.apiKey);
  const { living } = await makeTenantRecords(platform, api, newMarker(), { living: ['syncRuns'], deleted: [] });
  const url = new URL(platform.customersDatabase.superuserUrl);
  url.pathname = 'sync';
  // While the run lasts there are no events.
  await queryDatabase(url.href, `update sync_run set state = 'RUNNING' where id = $1`, [living['syncRuns']]);
  const watchAndLeave = async () => {
    const watches = Array.from({ length: feedPlaces }, () => send(`/v1/syncRuns/${living['syncRuns']}:watch`));
    const statuses = await Promise.all(watches.map(untilAnswered));
    for (const socket of watches) socket.destroy();
    return [...new Set(statuses)];
  };
  // A process of sync has 100 places.
  for (let round = 0; round < 4; round += 1) await expect.poll(watchAndLeave).toEqual([200]);
});

it('unread events of a tenant block no call of another', { timeout: soakTimeoutMs }, async () => {
  const alone: number[] = [];
  for (let round = 0; isSoak && round < probeRounds; round += 1) alone.push(...(await probes()));
  const opened = await Promise.all(
    Array.from({ length: 200 }, () => untilAnswered(send('/v1/changes', 'text/event-stream'))),
  );
  const tally = Object.groupBy(opened, String);
  expect([tally['200']?.length, tally['429']?.length]).toEqual([feedPlaces, 200 - feedPlaces]);
  let isImporting = true;
  const imports = Promise.all([0, 1, 2].map(importRows)).finally(() => (isImporting = false));

  // The changes of an import arrive once it is done; unread ones then fill the buffers.
  const beside: number[] = [];
  for (let round = 0; round < probeRounds; round += isImporting ? 0 : 1) beside.push(...(await probes()));

  expect(await imports).toEqual([200, 200, 200]);
  if (!isSoak) return;
  const p99 = (latencies: number[]) => percentile(Float64Array.from(latencies).sort(), 0.99);
  const figures = { 'p99 alone in ms': p99(alone), 'p99 beside in ms': p99(beside), probes: beside.length };
  printTally('probes beside unread events', figures);
  expect(p99(beside) / p99(alone)).toBeLessThan(3);
  await expect.poll(readers, { timeout: 30_000 }).toBe(0);
});

/** Polls that wait for changes. */
class HostilePolls {
  readonly #open = new Set<Socket>();

  /**
   * Sends polls until this many are not answered: a service whose connections to the database are all new refuses some of one tenant,
   * which asks again. @returns the number of those that the service has
   */
  open(count: number): Promise<number> {
    while (this.#open.size < count) {
      const socket = send('/v1/changes?waitSeconds=30');
      this.#open.add(socket);
      socket.once('data', () => this.#open.delete(socket));
    }
    return readers();
  }

  abandon(): void {
    for (const socket of this.#open) socket.destroy();
  }
}

/** Makes uncached requests in parallel. @returns the duration of each, in milliseconds */
function probes(): Promise<number[]> {
  const probe = async () => {
    const filter = encodeURIComponent(`display_name = "${crypto.randomUUID()}"`);
    const startedAt = performance.now();
    const { status } = await calm.send('GET', `/v1/customers?filter=${filter}`);
    expect(status).toBe(200);
    return performance.now() - startedAt;
  };
  return Promise.all(Array.from({ length: 6 }, probe));
}

/** Sends a request of the hostile tenant without reading the answer. */
function send(path: string, accept = 'application/json'): Socket {
  const { hostname, port } = new URL(platform.edgeUrl);
  const socket = connect(Number(port), hostname).on('error', () => undefined);
  socket.write(
    `GET ${path} HTTP/1.1\r\nhost: ${hostname}:${port}\r\naccept: ${accept}\r\nauthorization: Bearer ${hostile.apiKey}\r\n\r\n`,
  );
  sockets.push(socket);
  return socket;
}

/** The status of the answer, of which only the first bytes are read. */
function untilAnswered(socket: Socket): Promise<number> {
  return new Promise((resolve) => {
    socket.once('data', (data: Buffer) => {
      socket.pause();
      resolve(Number(data.toString('latin1').split(' ')[1]));
    });
  });
}

async function importRows(file: number): Promise<number> {
  const rows = Array.from(
    { length: sizeOf('UNREAD_ROWS', { short: 300, long: 3_000 }) },
    (_, row) => `Person ${file}-${row},Ada,p${file}-${row}@example.com`,
  );
  const answer = await fetch(`${platform.edgeUrl}/v1/customers:import`, {
    method: 'POST',
    headers: { authorization: `Bearer ${hostile.apiKey}`, 'content-type': 'text/csv' },
    body: ['displayName,givenName,emails', ...rows, ''].join('\n'),
  });
  await answer.text();
  return answer.status;
}

/** Number of readers that wait for changes. */
async function readers(): Promise<number> {
  const pages = await Promise.all(platform.metricsUrls.map(async (url) => (await fetch(url)).text()));
  return Number(/^rapport_change_readers (\d+)$/m.exec(pages.join('\n'))?.[1]);
}
