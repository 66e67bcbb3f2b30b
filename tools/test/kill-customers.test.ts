import { setTimeout as wait } from 'node:timers/promises';
import { startPlatform, type Platform } from '@rapport/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from './api-client.ts';

interface Stored {
  id: string;
  displayName: string;
}

const writers = 50;
const writesEach = 12;
const kills = 3;

let platform: Platform;
let api: ApiClient;

beforeAll(async () => {
  platform = await startPlatform();
  const { apiKey } = await platform.createTenant('Killed');
  api = await ApiClient.connect(platform.edgeUrl, apiKey);
}, 120_000);

afterAll(async () => platform.stop());

describe('kill -9 of customers under writers that retry with idempotency keys', () => {
  it('loses no acknowledged write and doubles none', { timeout: 180_000 }, async () => {
    let running = true;
    const work = Promise.all(Array.from({ length: writers }, (_, writer) => writeAll(writer))).finally(() => {
      running = false;
    });
    let done = 0;
    for (; done < kills && running; done++) {
      await wait(400);
      await platform.services.customers.kill();
      await platform.services.customers.start();
    }
    const acknowledged = new Map((await work).flat());

    expect(done).toBe(kills);
    expect(acknowledged.size).toBe(writers * writesEach);
    const stored = await listAll();
    expect(stored.length).toBe(acknowledged.size);
    expect(new Map(stored.map(({ displayName, id }) => [displayName, id]))).toEqual(acknowledged);
  });
});

/** Name and id of each customer that the writer was told was created. */
async function writeAll(writer: number): Promise<[string, string][]> {
  const written: [string, string][] = [];
  for (let index = 0; index < writesEach; index++) {
    const displayName = `writer ${writer} customer ${index}`;
    written.push([displayName, await createUntilAcknowledged(displayName)]);
    await wait(Math.random() * 100);
  }
  return written;
}

/** Nothing but the key tells a repetition from a second customer of the same name. */
async function createUntilAcknowledged(displayName: string): Promise<string> {
  const headers = { 'idempotency-key': crypto.randomUUID() };
  for (;;) {
    const { status, body } = await api.send('POST', '/v1/customers', {
      headers,
      body: { kind: 'COMPANY', displayName },
    });
    if (status === 201) return (body as Stored).id;
    expect([409, 503, 504], JSON.stringify(body)).toContain(status);
    await wait(100);
  }
}

async function listAll(): Promise<Stored[]> {
  const all: Stored[] = [];
  for (let pageToken: string | undefined = ''; pageToken !== undefined;) {
    const query = new URLSearchParams({ pageSize: '200', ...(pageToken === '' ? {} : { pageToken }) });
    const { body } = await api.send('GET', `/v1/customers?${query.toString()}`);
    const page = body as { customers: Stored[]; nextPageToken?: string };
    all.push(...page.customers);
    pageToken = page.nextPageToken;
  }
  return all;
}
