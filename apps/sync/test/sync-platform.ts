import pg from 'pg';
import { expect } from 'vitest';
import { startPlatform, type Platform, type PlatformOptions, type SharedPlatform, type Tenant } from '@rapport/testing';
import { askDatabase } from './ask-database.ts';

type Json = Record<string, unknown>;

export interface Endpoint extends Json {
  id: string;
  secret: string;
  etag: string;
  state: string;
  publicKeys: string[];
}

export interface Delivery extends Json {
  id: string;
  eventId: string;
  eventType: string;
  record?: string;
  state: string;
  attemptCount: number;
  nextAttemptTime?: string;
  isReplay: boolean;
}

export interface Attempt {
  number: number;
  status?: number;
  error?: string;
}

/**
 * A platform of which failed deliveries are tried again at once, whose exchanges soon feel that rights have changed, and whose tenants
 * may ask as often as they like.
 */
export function syncPlatformOptions(
  syncEnv: Record<string, string> = {},
  options: PlatformOptions = {},
): PlatformOptions {
  const RATE_PLANS = JSON.stringify({ standard: { keyUnits: 1e9, tenantUnits: 1e9 } });
  return {
    ...options,
    edgeEnv: { RATE_PLANS, ...options.edgeEnv },
    syncEnv: {
      RETRY_SCHEDULE_SECONDS: '0,0,0,0,0,0',
      ATTEMPT_TIMEOUT_MS: '2000',
      RIGHTS_KEPT_SECONDS: '1',
      ...syncEnv,
    },
  };
}

/** Starts one for a test that kills, reconfigures or counts. Others use the shared one. */
export function startSyncPlatform(syncEnv?: Record<string, string>, options?: PlatformOptions): Promise<Platform> {
  return startPlatform(syncPlatformOptions(syncEnv, options));
}

/** A tenant of a platform, by its REST API. */
export class WebhookTenant {
  readonly platform: SharedPlatform;
  readonly tenant: Tenant;
  readonly apiKey: string;

  private constructor(platform: SharedPlatform, tenant: Tenant, apiKey: string) {
    this.platform = platform;
    this.tenant = tenant;
    this.apiKey = apiKey;
  }

  static async create(platform: SharedPlatform): Promise<WebhookTenant> {
    const tenant = await platform.createTenant('Webhooks');
    return new WebhookTenant(platform, tenant, tenant.apiKey);
  }

  /** The same tenant by a key of its own. */
  async withKey(key: Json): Promise<WebhookTenant> {
    const made = await this.ok<{ key: string }>('POST', '/v1/apiKeys', { displayName: 'Key', ...key });
    return new WebhookTenant(this.platform, this.tenant, made.key);
  }

  async send(method: string, path: string, body?: Json, headers: Json = {}): Promise<{ status: number; body: Json }> {
    const answer = await fetch(this.platform.edgeUrl + path, {
      method,
      headers: {
        authorization: `Bearer ${this.apiKey}`,
        // Sync writes past the edge, whose cache hears of that a moment later.
        'cache-control': 'no-cache',
        ...(body && { 'content-type': 'application/json' }),
        ...(headers as Record<string, string>),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: (text === '' ? {} : JSON.parse(text)) as Json };
  }

  /** @throws Error when it is refused */
  async ok<Body = Json>(method: string, path: string, body?: Json, headers?: Json): Promise<Body> {
    const answer = await this.send(method, path, body, headers);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body as Body;
  }

  /** What a path answers, as it is. */
  async text(path: string): Promise<string> {
    const answer = await fetch(this.platform.edgeUrl + path, { headers: { authorization: `Bearer ${this.apiKey}` } });
    expect(answer.status).toBe(200);
    return answer.text();
  }

  endpoint(url: string, more: Json = {}): Promise<Endpoint> {
    return this.ok('POST', '/v1/webhookEndpoints', { url, eventTypes: ['customer.*'], ...more });
  }

  getEndpoint(id: string): Promise<Endpoint> {
    return this.ok('GET', `/v1/webhookEndpoints/${id}`);
  }

  async createCustomer(displayName = 'Ada', more: Json = {}): Promise<string> {
    const { id } = await this.ok<{ id: string }>('POST', '/v1/customers', { kind: 'PERSON', displayName, ...more });
    return id;
  }

  updateCustomer(id: string, changes: Json): Promise<Json> {
    return this.ok('PATCH', `/v1/customers/${id}`, changes);
  }

  /** All deliveries to an endpoint, newest first. */
  async deliveries(endpointId: string): Promise<Delivery[]> {
    const found: Delivery[] = [];
    let token = '';
    do {
      const page = await this.ok<{ webhookDeliveries: Delivery[]; nextPageToken?: string }>(
        'GET',
        `/v1/webhookDeliveries?pageSize=200&endpointId=${endpointId}${token && `&pageToken=${token}`}`,
      );
      found.push(...page.webhookDeliveries);
      token = page.nextPageToken ?? '';
    } while (token);
    return found;
  }

  async attempts(deliveryId: string): Promise<Attempt[]> {
    const path = `/v1/webhookDeliveries/${deliveryId}/attempts`;
    return (await this.ok<{ attempts: Attempt[] }>('GET', path)).attempts;
  }

  /** Asks the database of a service past everything. */
  query<Row extends object>(sql: string, values: unknown[] = [], service = 'sync'): Promise<Row[]> {
    return askDatabase<Row>(this.#databaseUrl(service), sql, values);
  }

  /** A connection of its own to the database of a service, past everything, to hold locks by. */
  async connect(service = 'sync'): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.#databaseUrl(service) });
    await client.connect();
    return client;
  }

  #databaseUrl(service: string): string {
    const url = new URL(this.platform.customersDatabase.superuserUrl);
    url.pathname = service;
    return url.href;
  }
}
