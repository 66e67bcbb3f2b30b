import { setTimeout as wait } from 'node:timers/promises';
import { startPlatform, type Platform } from '@rapport/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from './api-client.ts';

interface Operation {
  id: string;
  state: string;
  receivedBytes: number;
  processedBytes: number;
  counts: Record<string, number>;
}

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform();
}, 120_000);

afterAll(async () => platform.stop());

/** A tenant of the REST API. */
class Importer {
  readonly #apiKey: string;
  readonly api: ApiClient;

  private constructor(apiKey: string, api: ApiClient) {
    this.#apiKey = apiKey;
    this.api = api;
  }

  static async create(name: string): Promise<Importer> {
    const { apiKey } = await platform.createTenant(name);
    return new Importer(apiKey, await ApiClient.connect(platform.edgeUrl, apiKey));
  }

  async createImport(): Promise<string> {
    const { status, body } = await this.api.send('POST', '/v1/imports', { body: { contentType: 'text/csv' } });
    expect(status, JSON.stringify(body)).toBeLessThan(300);
    return (body as Operation).id;
  }

  async upload(id: string, file: string, query = ''): Promise<Operation> {
    const headers = { 'content-type': 'application/octet-stream' };
    const { status, body } = await this.api.send('PUT', `/v1/imports/${id}/file${query}`, { headers, body: file });
    expect(status, JSON.stringify(body)).toBe(200);
    return body as Operation;
  }

  /** Waits for an operation while the service may be away. */
  async until(id: string, isThere: (operation: Operation) => boolean): Promise<Operation> {
    for (;;) {
      const { status, body } = await this.api.send('GET', `/v1/operations/${id}`);
      if (status === 200 && isThere(body as Operation)) return body as Operation;
      expect([200, 503, 504]).toContain(status);
      await wait(50);
    }
  }

  stream(path: string, accept: string): Promise<Response> {
    return fetch(platform.edgeUrl + path, { headers: { authorization: `Bearer ${this.#apiKey}`, accept } });
  }

  /** Names and e-mail addresses of all customers. */
  async contents(): Promise<string[]> {
    const all: string[] = [];
    for (let pageToken: string | undefined = ''; pageToken !== undefined;) {
      const query = new URLSearchParams({ pageSize: '200', ...(pageToken === '' ? {} : { pageToken }) });
      const { body } = await this.api.send('GET', `/v1/customers?${query.toString()}`);
      const page = body as { customers: Record<string, unknown>[]; nextPageToken?: string };
      for (const { displayName, emails, phones, tags, etag } of page.customers) {
        all.push(JSON.stringify([displayName, emails, phones, tags, etag]));
      }
      pageToken = page.nextPageToken;
    }
    return all.sort();
  }
}

const hasEnded = ({ state }: Operation) => ['SUCCEEDED', 'FAILED', 'CANCELLED', 'UNDONE'].includes(state);

/** Each tenth row is about the one before. */
function people(count: number): string {
  const rows = Array.from({ length: count }, (_, index) => {
    const number = index - (index % 10 === 9 ? 1 : 0);
    return `Ada ${number},p${number}@example.com,+4930${1_000_000 + index},t${index % 5}`;
  });
  return `name,email,phone,tag\n${rows.join('\n')}\n`;
}

describe('an import whose service is killed in the middle of the file', () => {
  it('ends as one that was not: no row lost, none done twice', { timeout: 240_000 }, async () => {
    const [calm, killed] = [await Importer.create('Calm'), await Importer.create('Killed')];
    const file = people(12_000);
    const [calmId, killedId] = [await calm.createImport(), await killed.createImport()];
    await calm.upload(calmId, file);
    const unbroken = await calm.until(calmId, hasEnded);

    await killed.upload(killedId, file);
    await killed.until(killedId, ({ counts }) => (counts['rows'] ?? 0) >= 2_000);
    await platform.services.customers.kill();
    await platform.services.customers.start();
    const between = await killed.until(killedId, ({ counts }) => (counts['rows'] ?? 0) >= 6_000);
    // Asked to stop, it gives the import back at a checkpoint, and whoever starts next goes on at once.
    await platform.services.customers.stop();
    await platform.services.customers.start();
    const broken = await killed.until(killedId, hasEnded);

    expect(hasEnded(between)).toBe(false);
    expect(broken).toMatchObject({ state: 'SUCCEEDED', counts: unbroken.counts });
    expect(await killed.contents()).toEqual(await calm.contents());

    await killed.api.send('POST', `/v1/operations/${killedId}:undo`);
    await killed.until(killedId, ({ counts }) => (counts['undone'] ?? 0) > 0);
    await platform.services.customers.kill();
    await platform.services.customers.start();
    const undone = await killed.until(killedId, hasEnded);
    expect(undone).toMatchObject({ state: 'UNDONE', counts: { undone: unbroken.counts['created'] } });
    expect(await killed.contents()).toEqual([]);
  });
});

describe('an import over REST', () => {
  it('is uploaded in parts, and its progress comes as server-sent events', { timeout: 60_000 }, async () => {
    const importer = await Importer.create('Watcher');
    const id = await importer.createImport();
    const events = await importer.stream(`/v1/operations/${id}:watch`, 'text/event-stream');
    const file = people(3_000);
    const part = await importer.upload(id, file.slice(0, 50_000), '?complete=false');
    await importer.upload(id, file.slice(50_000), `?offset=${part.receivedBytes}`);

    const text = await events.text();

    const told = [...text.matchAll(/^data: (.*)$/gm)].map(([, json = '']) => JSON.parse(json) as Operation);
    expect(part).toMatchObject({ state: 'WAITING', receivedBytes: 50_000 });
    expect(told[0]).toMatchObject({ state: 'WAITING', receivedBytes: 0 });
    expect(told.at(-1)).toMatchObject({ state: 'SUCCEEDED', counts: { rows: 3_000 }, processedBytes: file.length });
    expect(told.length).toBeGreaterThan(2);
  });

  it('has its issues downloaded as CSV', { timeout: 60_000 }, async () => {
    const importer = await Importer.create('Issues');
    const id = await importer.createImport();
    await importer.upload(id, 'name,email\nAda,nobody\n');
    await importer.until(id, hasEnded);

    const answer = await importer.stream(`/v1/operations/${id}/issues:download`, '*/*');

    expect(answer.headers.get('content-type')).toMatch(/^text\/csv/);
    expect(await answer.text()).toMatch(/^severity,line,reason,field,message,customer_id\r\n[A-Z]+,2,/);
  });

  it('is NOT_FOUND to another tenant', async () => {
    const [mine, theirs] = [await Importer.create('Mine'), await Importer.create('Theirs')];
    const id = await mine.createImport();

    for (const path of ['', '/issues', ':watch', '/issues:download']) {
      const { status } = await theirs.api.send('GET', `/v1/operations/${id}${path}`);
      expect([path, status]).toEqual([path, 404]);
    }
  });
});
