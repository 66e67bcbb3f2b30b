import {
  cpuSeconds,
  LoadProcess,
  queryDatabase,
  startPlatform,
  type HttpPlan,
  type LoadResult,
  type Platform,
  type PlatformOptions,
  type Sample,
  type Side,
  type SqlPlan,
  type Tenant,
} from '@rapport/testing';

/** Keys of the bench have practically no limit, so that no refusals are measured, but charges are still counted. */
const ratePlans = JSON.stringify({ standard: { keyUnits: 1e9, tenantUnits: 1e9 } });

/** The cursor of a page. */
export interface PageStart {
  pageToken: string;
  createTime: string;
  id: string;
}

/** One of many tenants that call in turn. */
export interface BenchTenant {
  authorization: Record<string, string>;
  ids: string[];
  /** Of all its pages of 20 but the first. */
  pageTokens: string[];
}

/** The platform with one tenant with customers, and a load process. */
export class BenchPlatform {
  readonly platform: Platform;
  readonly tenant: Tenant;
  readonly load: LoadProcess;
  /** Customers of the tenant, unordered. */
  readonly ids: string[];
  #client: { clientId: string; secret: string } | undefined;

  private constructor(platform: Platform, tenant: Tenant, load: LoadProcess, ids: string[]) {
    this.platform = platform;
    this.tenant = tenant;
    this.load = load;
    this.ids = ids;
  }

  static async start(customers: number, options: PlatformOptions = {}): Promise<BenchPlatform> {
    const edgeEnv = { LOG_LEVEL: 'warn', RATE_PLANS: ratePlans, ...options.edgeEnv };
    const customersEnv = { LOG_LEVEL: 'warn', ...options.customersEnv };
    const platform = await startPlatform({ ...options, edgeEnv, customersEnv });
    try {
      const tenant = await platform.createTenant('Bench');
      await importCustomers(platform, tenant, customers);
      const { superuserUrl } = platform.customersDatabase;
      await queryDatabase(superuserUrl, 'vacuum analyze');
      const rows = await queryDatabase<{ id: string }>(
        superuserUrl,
        'select id from customer where tenant_id = $1 order by md5(id::text) limit 5000',
        [tenant.tenantId],
      );
      return new BenchPlatform(
        platform,
        tenant,
        new LoadProcess(),
        rows.map(({ id }) => id),
      );
    } catch (error) {
      await platform.stop();
      throw error;
    }
  }

  /** Makes further tenants with customers. */
  async tenants(count: number, customers: number): Promise<BenchTenant[]> {
    const made: BenchTenant[] = [];
    for (let index = 0; index < count; index += 1) {
      const tenant = await this.platform.createTenant(`Bench ${index}`);
      await importCustomers(this.platform, tenant, customers);
      made.push(await this.#read({ Authorization: `Bearer ${tenant.apiKey}` }));
    }
    await queryDatabase(this.platform.customersDatabase.superuserUrl, 'vacuum analyze');
    return made;
  }

  async #read(authorization: Record<string, string>): Promise<BenchTenant> {
    const tenant: BenchTenant = { authorization, ids: [], pageTokens: [] };
    for (let query = ''; ;) {
      const page = (await (await this.fetch(`/v1/customers?pageSize=20${query}`, authorization)).json()) as {
        customers: { id: string }[];
        nextPageToken?: string;
      };
      tenant.ids.push(...page.customers.map(({ id }) => id));
      if (!page.nextPageToken) return tenant;
      tenant.pageTokens.push(page.nextPageToken);
      query = `&pageToken=${encodeURIComponent(page.nextPageToken)}`;
    }
  }

  async stop(): Promise<void> {
    await this.load.stop();
    await this.platform.stop();
  }

  /**
   * Sends requests to the edge, whose answers must have `status`.
   *
   * @param reaches the service behind it, whose processor time then counts too
   */
  edgeSide(status: number, plan: Omit<HttpPlan, 'kind' | 'url'>, reaches?: 'customers'): Side {
    const { edge, customers } = this.platform.services;
    const url = this.platform.edgeUrl;
    return {
      name: 'edge',
      run: () => this.sample([edge.pid, ...(reaches ? [customers.pid] : [])], status, { kind: 'http', url, ...plan }),
    };
  }

  /** The same with plain pg in the load process, with the role and the tenant of the service. */
  sqlSide(name: string, plan: Omit<SqlPlan, 'kind' | 'url' | 'tenantId'>): Side {
    const url = this.platform.customersDatabase.appUrl;
    const { tenantId } = this.tenant;
    return { name, run: () => this.sample([], 200, { kind: 'sql', url, tenantId, ...plan }) };
  }

  /** @param pids processes whose processor time counts */
  async sample(pids: (number | undefined)[], status: number, plan: HttpPlan | SqlPlan): Promise<Sample> {
    const before = usedSeconds(pids);
    const result = await this.load.run(plan);
    assertAll(result, status);
    const cpuMicros = ((usedSeconds(pids) - before) / result.requests) * 1e6;
    const { perSecond, p50Ms, p99Ms } = result;
    return { perSecond, p50Ms, p99Ms, ...(pids.length > 0 && { cpuMicros }) };
  }

  authorization(): Record<string, string> {
    return { Authorization: `Bearer ${this.tenant.apiKey}` };
  }

  /** Access token of a client that may read customers, valid for ten minutes. */
  async accessToken(): Promise<string> {
    this.#client ??= await this.#createClient();
    const answer = await fetch(`${this.platform.edgeUrl}/oauth/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${this.#client.clientId}:${this.#client.secret}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'customers.read' }),
    });
    const { access_token: token } = (await answer.json()) as { access_token?: string };
    if (token === undefined) throw new Error(`There is no access token: ${answer.status}`);
    return token;
  }

  async #createClient(): Promise<{ clientId: string; secret: string }> {
    const answer = await fetch(`${this.platform.edgeUrl}/v1/oauthClients`, {
      method: 'POST',
      headers: { ...this.authorization(), 'content-type': 'application/json' },
      body: JSON.stringify({
        displayName: 'Bench',
        confidential: true,
        grantTypes: ['CLIENT_CREDENTIALS'],
        permissions: ['customers.read'],
      }),
    });
    return (await answer.json()) as { clientId: string; secret: string };
  }

  async fetch(path: string, headers: Record<string, string> = {}): Promise<Response> {
    const response = await fetch(this.platform.edgeUrl + path, { headers: { ...this.authorization(), ...headers } });
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
    return response;
  }

  /** Cursors after the first pages of 20. */
  async pageStarts(pages: number): Promise<PageStart[]> {
    const starts: PageStart[] = [];
    let query = '';
    while (starts.length < pages) {
      const page = (await (await this.fetch(`/v1/customers?pageSize=20${query}`)).json()) as {
        customers: { id: string; createTime: string }[];
        nextPageToken?: string;
      };
      const last = page.customers.at(-1);
      if (!last || !page.nextPageToken) break;
      starts.push({ pageToken: page.nextPageToken, createTime: last.createTime, id: last.id });
      query = `&pageToken=${encodeURIComponent(page.nextPageToken)}`;
    }
    return starts;
  }
}

/** People like those of an address book, as NDJSON. */
export function* customerLines(count: number, prefix: string): Generator<string> {
  for (let index = 0; index < count; index += 1) {
    yield `${JSON.stringify({
      givenName: ['Ada', 'Grace', 'Alan', 'Edsger', 'Barbara'][index % 5],
      familyName: `${prefix}${index.toString(36)}`,
      emails: [{ address: `${prefix}${index}@bench${index % 97}.example`, label: 'work' }],
      phones: [{ number: `+4930${1_000_000 + index}` }],
      addresses: [{ street: `${index % 200} Main Street`, city: 'Berlin', countryCode: 'DE' }],
      tags: [`t${index % 50}`],
      jobTitle: 'Engineer',
    })}\n`;
  }
}

function usedSeconds(pids: (number | undefined)[]): number {
  return pids.map((pid) => cpuSeconds(pid) ?? NaN).reduce((sum, seconds) => sum + seconds, 0);
}

function assertAll({ statuses }: LoadResult, status: number): void {
  if (Object.keys(statuses).some((other) => Number(other) !== status)) {
    throw new Error(`Not all answers were ${status}: ${JSON.stringify(statuses)}`);
  }
}

async function importCustomers(platform: Platform, { apiKey }: Tenant, count: number): Promise<void> {
  const response = await fetch(`${platform.edgeUrl}/v1/customers:import`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/x-ndjson' },
    body: [...customerLines(count, 'person')].join(''),
  });
  const answer = await response.text();
  const { created } = JSON.parse(answer) as { created?: number };
  if (!response.ok || created !== count) throw new Error(`The import failed (${response.status}): ${answer}`);
}
