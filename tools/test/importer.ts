import type { SharedPlatform } from '@rapport/testing';
import { expect, vi } from 'vitest';
import { ApiClient } from './api-client.ts';

export interface Operation {
  id: string;
  state: string;
  receivedBytes: number;
  processedBytes: number;
  counts: Record<string, number>;
}

/** A tenant of the REST API. */
export class Importer {
  readonly #apiKey: string;
  readonly #edgeUrl: string;
  readonly api: ApiClient;

  private constructor(apiKey: string, edgeUrl: string, api: ApiClient) {
    this.#apiKey = apiKey;
    this.#edgeUrl = edgeUrl;
    this.api = api;
  }

  static async create(platform: SharedPlatform, name: string): Promise<Importer> {
    const { apiKey } = await platform.createTenant(name);
    return new Importer(apiKey, platform.edgeUrl, await ApiClient.connect(platform.edgeUrl, apiKey));
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

  /** Waits for the end of an operation, polling so rarely that it does not disturb the service. */
  untilEnded(id: string): Promise<Operation> {
    return this.until(id, hasEnded, 200);
  }

  /** Waits for an operation while the service may be down. */
  async until(id: string, isThere: (operation: Operation) => boolean, intervalMs = 50): Promise<Operation> {
    let operation: Operation | undefined;
    const isThereNow = async () => {
      const { status, body } = await this.api.send('GET', `/v1/operations/${id}`);
      expect([200, 503, 504]).toContain(status);
      operation = status === 200 ? (body as Operation) : operation;
      return status === 200 && isThere(body as Operation);
    };
    await vi.waitUntil(isThereNow, { timeout: 240_000, interval: intervalMs });
    return operation!;
  }

  stream(path: string, accept: string): Promise<Response> {
    return fetch(this.#edgeUrl + path, { headers: { authorization: `Bearer ${this.#apiKey}`, accept } });
  }

  /** The data of all customers, without versions: two rows of one customer are two writes if they are in two chunks. */
  async contents(): Promise<string[]> {
    const all: string[] = [];
    for (let pageToken: string | undefined = ''; pageToken !== undefined;) {
      const query = new URLSearchParams({ pageSize: '200', ...(pageToken === '' ? {} : { pageToken }) });
      const { body } = await this.api.send('GET', `/v1/customers?${query.toString()}`);
      const page = body as { customers: Record<string, unknown>[]; nextPageToken?: string };
      for (const { displayName, emails, phones, tags } of page.customers) {
        all.push(JSON.stringify([displayName, emails, phones, tags]));
      }
      pageToken = page.nextPageToken;
    }
    return all.sort();
  }
}

export const hasEnded = ({ state }: Operation) => ['SUCCEEDED', 'FAILED', 'CANCELLED', 'UNDONE'].includes(state);

/** Each tenth row is about the one before. */
export function people(count: number): string {
  const rows = Array.from({ length: count }, (_, index) => {
    const number = index - (index % 10 === 9 ? 1 : 0);
    return `Ada ${number},p${number}@example.com,+4930${1_000_000 + index},t${index % 5}`;
  });
  return `name,email,phone,tag\n${rows.join('\n')}\n`;
}
