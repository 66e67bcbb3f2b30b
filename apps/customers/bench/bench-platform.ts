import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ContractClient, serviceDefinitions } from '@rapport/contracts';
import { CustomersServiceService } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { runMigrations } from '@rapport/persistence';
import { freePort, provisionDatabase, Service, startEmbeddedPostgres } from '@rapport/testing';
import pg from 'pg';
import { loadTenant } from '../seed/load-seed.ts';
import { source } from '../seed/load-source.ts';
import { seedRows } from '../seed/seed-rows.ts';
import { BenchCaller } from './bench-caller.ts';

const { entities, migrations } = source;

/** The seeded tenant with a twentieth of all customers. */
const askedTenant = 5;
const path = '/rapport.customers.v1.CustomersService/';

/** The customers service on a seeded PostgreSQL, and plain connections to the same database. */
export class BenchPlatform {
  /** A tenant with a twentieth of all customers. */
  readonly tenantId: string;
  readonly client: ContractClient;
  /** With the app role, for that tenant, with one connection per concurrent call. */
  readonly pool: pg.Pool;
  /** Can COPY into tables with row-level security. */
  readonly superuser: pg.Client;
  readonly stop: () => Promise<void>;

  readonly #caller: BenchCaller;

  private constructor(
    tenantId: string,
    client: ContractClient,
    caller: BenchCaller,
    pool: pg.Pool,
    superuser: pg.Client,
    stop: () => Promise<void>,
  ) {
    this.tenantId = tenantId;
    this.client = client;
    this.#caller = caller;
    this.pool = pool;
    this.superuser = superuser;
    this.stop = stop;
  }

  static async start(customers: number): Promise<BenchPlatform> {
    const steps: (() => Promise<unknown>)[] = [];
    const stop = async () => {
      for (const step of steps.splice(0).reverse()) await step();
    };
    try {
      const folder = await mkdtemp(join(tmpdir(), 'rapport-bench-'));
      steps.push(() => rm(folder, { recursive: true, force: true }));
      const postgres = await startEmbeddedPostgres();
      steps.push(() => postgres.stop());
      const { ownerUrl, appUrl } = await provisionDatabase(postgres.superuserUrl, 'customers');
      await runMigrations({ databaseUrl: ownerUrl, entities, migrations });
      const superuserUrl = new URL(postgres.superuserUrl);
      superuserUrl.pathname = 'customers';
      const superuser = new pg.Client({ connectionString: superuserUrl.href });
      await superuser.connect();
      steps.push(() => superuser.end());
      const tenantId = await seed(superuser, customers);
      await superuser.query('vacuum analyze');
      const pool = new pg.Pool({ connectionString: appUrl, max: 16, options: `-c app.tenant_id=${tenantId}` });
      steps.push(() => endPool(pool));
      const caller = await BenchCaller.in(join(folder, 'caller'));
      const address = await startService(folder, appUrl, caller, steps);
      const client = new ContractClient(address, serviceDefinitions, caller.tls);
      steps.push(() => Promise.resolve(client.close()));
      return new BenchPlatform(tenantId, client, caller, pool, superuser, stop);
    } catch (error) {
      await stop();
      throw error;
    }
  }

  call(method: string, request: object, tenantId = this.tenantId): Promise<unknown> {
    return this.client.unary(path + method, { ...emptyRequest(method), ...request }, this.#options(tenantId));
  }

  upload(method: string, requests: AsyncIterable<unknown>, tenantId: string): Promise<unknown> {
    return this.client.upload(path + method, requests, this.#options(tenantId));
  }

  /** Writes without triggers, so without changes in the log that the service would process during the measurement. */
  silently(work: () => Promise<void>): Promise<void> {
    return silently(this.superuser, work);
  }

  /** Waits until the service has moved all changes to the log, which would slow down the next measurement. */
  async untilLogIsCaughtUp(): Promise<void> {
    for (;;) {
      const { rowCount } = await this.superuser.query('select from outbox limit 1');
      if (rowCount === 0) return;
      await delay(20);
    }
  }

  download(method: string, request: object): AsyncIterable<unknown> {
    return this.client.stream(path + method, { ...emptyRequest(method), ...request }, this.#options(this.tenantId));
  }

  #options(tenantId: string) {
    return { context: this.#caller.outgoing(tenantId), deadlineMs: 600_000 };
  }
}

async function silently(superuser: pg.Client, work: () => Promise<void>): Promise<void> {
  await superuser.query('set session_replication_role = replica');
  try {
    await work();
  } finally {
    await superuser.query('set session_replication_role = origin');
  }
}

/** @param method such as `GetCustomer` */
function emptyRequest(method: string): object {
  const name = `${method.charAt(0).toLowerCase()}${method.slice(1)}` as keyof typeof CustomersServiceService;
  return CustomersServiceService[name].requestDeserialize(Buffer.alloc(0));
}

/** @returns the id of the queried tenant */
async function seed(superuser: pg.Client, customers: number): Promise<string> {
  const tenants = seedRows({ customers, tenants: 20, seed: 1 });
  await silently(superuser, async () => {
    for (const tenant of tenants) await loadTenant(superuser, source, tenant);
  });
  return tenants[askedTenant]?.tenantId ?? '';
}

/** `end` alone does not wait until connections are closed, and stopping the server would make an open one fail. */
async function endPool(pool: pg.Pool): Promise<void> {
  let open = pool.totalCount;
  const closed = new Promise<void>((resolve) => {
    pool.on('remove', () => {
      open -= 1;
      if (open === 0) resolve();
    });
  });
  await pool.end();
  if (open > 0) await closed;
}

async function startService(
  folder: string,
  databaseUrl: string,
  { env }: BenchCaller,
  steps: (() => Promise<unknown>)[],
): Promise<string> {
  const [address, healthPort] = [`127.0.0.1:${await freePort()}`, await freePort()];
  const secret = async (name: string, value: string) => {
    await writeFile(join(folder, name), value, { mode: 0o600 });
    return join(folder, name);
  };
  const service = new Service({
    name: 'customers',
    script: join(import.meta.dirname, '../dist/main.js'),
    env: {
      GRPC_ADDRESS: address,
      HEALTH_PORT: String(healthPort),
      DATABASE_URL_FILE: await secret('database-url', databaseUrl),
      PAGE_TOKEN_KEY_FILE: await secret('page-token-key', randomBytes(32).toString('base64')),
      AUDIT_SIGNING_KEY_FILE: await secret('audit-signing-key', randomBytes(32).toString('base64')),
      SUPPRESSION_HMAC_KEY_FILE: await secret('suppression-hmac-key', randomBytes(32).toString('base64')),
      LOG_LEVEL: 'warn',
      ...env,
    },
    healthPort,
    logFile: join(folder, 'customers.log'),
  });
  await service.start();
  steps.push(() => service.stop());
  return address;
}
