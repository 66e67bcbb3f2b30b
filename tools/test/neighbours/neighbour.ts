import type { SharedPlatform, Tenant } from '@rapport/testing';

/** A tenant of a shared platform, and its requests to the first edge. */
export class Neighbour {
  readonly platform: SharedPlatform;
  readonly tenantId: string;
  readonly #apiKey: string;

  private constructor(platform: SharedPlatform, { tenantId, apiKey }: Tenant) {
    this.platform = platform;
    this.tenantId = tenantId;
    this.#apiKey = apiKey;
  }

  static async create(platform: SharedPlatform, displayName: string): Promise<Neighbour> {
    return new Neighbour(platform, await platform.createTenant(displayName, 'placed'));
  }

  send(
    method: string,
    path: string,
    options: { body?: unknown; headers?: Record<string, string>; signal?: AbortSignal } = {},
  ): Promise<Response> {
    const { body, headers, signal } = options;
    return fetch(this.platform.edgeUrl + path, {
      method,
      headers: {
        authorization: `Bearer ${this.#apiKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
  }

  async json<Body>(method: string, path: string, body?: unknown): Promise<Body> {
    const answer = await this.send(method, path, { body });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as Body;
  }

  create(displayName: string, more: object = {}): Promise<Response> {
    return this.send('POST', '/v1/customers', { body: { kind: 'PERSON', displayName, ...more } });
  }

  importRows(rows: string): Promise<Response> {
    return fetch(`${this.platform.edgeUrl}/v1/customers:import`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.#apiKey}`, 'content-type': 'text/csv' },
      body: rows,
    });
  }

  /** Sends an endless file slowly, until `signal` is aborted. */
  trickle(method: string, path: string, signal: AbortSignal): Promise<Response> {
    const row = Buffer.from(`A customer who comes late,late@example.com,${'x'.repeat(40)}\n`);
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        controller.enqueue(Buffer.from('name,email,job_title\n'));
        const timer = setInterval(() => controller.enqueue(row), 500);
        signal.addEventListener('abort', () => clearInterval(timer), { once: true });
      },
    });
    const headers = { authorization: `Bearer ${this.#apiKey}`, 'content-type': 'text/csv' };
    return fetch(this.platform.edgeUrl + path, { method, headers, body, signal, duplex: 'half' });
  }
}
