import { randomUUID } from 'node:crypto';
import { expect, vi } from 'vitest';
import { isSoak, soakTimeoutMs, type SharedPlatform } from '@rapport/testing';
import type pg from 'pg';
import type { PostgresSchema } from '../connectors/sql-databases.ts';
import { WebhookTenant } from '../sync-platform.ts';

type Json = Record<string, unknown>;

export interface Run extends Json {
  id: string;
  state: string;
  counts: Record<string, number>;
  comparison?: Record<string, number>;
  plannedChanges: { action: string; customerId?: string; recordId?: string; fields: string[] }[];
  issues: { recordId?: string; reason: string; line?: number }[];
  errorReason?: string;
  pairing?: Record<string, number>;
  planned?: Record<string, number>;
  resolution?: Record<string, number>;
}

export interface Conflict extends Json {
  id: string;
  kind: string;
  customerId?: string;
  recordId?: string;
  fields: { customerField: string; customerValue: string; peerValue: string }[];
  candidates: { customerId: string; recordId: string; score: number; reasons: string[]; linked: boolean }[];
}

export interface Customer extends Json {
  id: string;
  etag: string;
}

/** With runs. In the short form it ends before the test does, which then says what the last one found. */
const patience = { timeout: isSoak ? soakTimeoutMs : 100_000, interval: 100 };

/** For questions to a database. */
const soon = { ...patience, interval: 40 };

/** The usual fields of a contact. */
export const contactFields = [
  ...['displayName', 'givenName', 'familyName', 'jobTitle'].map((field) => ({
    customerField: field,
    peerField: field,
  })),
  { customerField: 'companyName', peerField: 'organization' },
  { customerField: 'emails', peerField: 'emails', transform: 'CONTACT_LIST' },
  { customerField: 'phones', peerField: 'phones', transform: 'CONTACT_LIST' },
];

/** A tenant that exchanges records, by its REST API. */
export class ExchangeTenant {
  readonly api: WebhookTenant;

  private constructor(api: WebhookTenant) {
    this.api = api;
  }

  /** @param api of a tenant; of a new one when absent */
  static async create(platform: SharedPlatform, api?: WebhookTenant): Promise<ExchangeTenant> {
    return new ExchangeTenant(api ?? (await WebhookTenant.create(platform)));
  }

  /** Connects to a table that marks deleted rows. */
  connectTable({ port, user, password, database }: PostgresSchema, table: string, more: Json = {}): Promise<string> {
    const settings = {
      ...{ engine: 'POSTGRESQL', host: '127.0.0.1', port, database, user, tls: 'OFF' },
      ...{ schema: user, table, idColumn: 'id', updatedColumn: 'updated_at', keyColumn: 'rapport_key' },
      ...{ deletedColumn: 'deleted_at', lateCommitSeconds: 0 },
    };
    return this.connect('sql', settings, { password }, more);
  }

  /** A connection whose mappings are due once a day, unless `more` overrides that. */
  async connect(connector: string, settings: Json, secrets: Json = {}, more: Json = {}): Promise<string> {
    const body = { connector, displayName: connector, settings, secrets, pollSeconds: 86_400, ...more };
    return (await this.api.ok<{ id: string }>('POST', '/v1/connections', body)).id;
  }

  async map(connectionId: string, mapping: Json): Promise<string> {
    const body = { connectionId, customerKind: 'PERSON', ...mapping };
    return (await this.api.ok<{ id: string }>('POST', '/v1/mappings', body)).id;
  }

  mapping(id: string): Promise<Json> {
    return this.api.ok('GET', `/v1/mappings/${id}`);
  }

  /**
   * A finished run that includes all earlier changes. Requested again while a concurrent test has killed the service.
   */
  async run(mappingId: string, more: Json = {}): Promise<Run> {
    await this.#untilTaken();
    const headers = { 'idempotency-key': randomUUID() };
    const path = '/v1/syncRuns';
    const { status, body } = await untilThere(() => this.api.send('POST', path, { mappingId, ...more }, headers));
    if (status >= 300) throw new Error(`POST ${path}: ${status} ${JSON.stringify(body)}`);
    return this.ended((body as Run).id);
  }

  /** A requested run, after its end. */
  async ended(id: string): Promise<Run> {
    // Its state is looked for where that costs a tenth of a call.
    const ended = async () => {
      const [row] = await this.api.query<{ state: string }>('select state from sync_run where id = $1', [id]);
      expect(row?.state).toMatch(/SUCCEEDED|FAILED/);
      return this.api.ok<Run>('GET', `/v1/syncRuns/${id}`);
    };
    return vi.waitFor(ended, soon);
  }

  /** Ends the heartbeats of all runs under way, and the pause between two searches for such runs, as time does. */
  async endHeartbeats(): Promise<void> {
    await this.api.query(
      `update pgboss.job set heartbeat_on = heartbeat_on - interval '10 seconds' where state = 'active'`,
    );
    await this.api.query('update pgboss.queue set monitor_claim_on = null, monitor_on = null');
  }

  /** The last runs of a mapping, newest first. */
  async runs(mappingId: string): Promise<Run[]> {
    return (await this.api.ok<{ syncRuns: Run[] }>('GET', `/v1/syncRuns?mappingId=${mappingId}`)).syncRuns;
  }

  /** Compares both sides, and changes nothing. */
  compare(mappingId: string): Promise<Run> {
    return this.run(mappingId, { kind: 'RECONCILE', dryRun: true });
  }

  /**
   * Waits until both sides are equal but for what is listed as a conflict.
   *
   * @param limits in milliseconds: a timeout, after which it fails with what differs, and the interval between comparisons
   * @returns the run that has found it
   */
  async untilEqual(
    mappingId: string,
    count?: number,
    limits: { timeout?: number; interval?: number } = {},
  ): Promise<Run> {
    const equal = async () => {
      const run = await this.compare(mappingId);
      const isAsWanted = isEqual(run) && (count === undefined || run.comparison?.['equal'] === count);
      expect(isAsWanted ? 'equal' : { run, conflicts: await this.conflicts(mappingId) }).toBe('equal');
      return run;
    };
    return vi.waitFor(equal, { ...patience, ...limits });
  }

  async conflicts(mappingId: string): Promise<Conflict[]> {
    const all: Conflict[] = [];
    let token = '';
    do {
      const path = `/v1/syncConflicts?pageSize=200&mappingId=${mappingId}${token && `&pageToken=${encodeURIComponent(token)}`}`;
      const page = await this.#read<{ syncConflicts: Conflict[]; nextPageToken?: string }>(path);
      all.push(...page.syncConflicts);
      token = page.nextPageToken ?? '';
    } while (token);
    return all;
  }

  /** All live customers, by id. */
  async customers(): Promise<Map<string, Customer>> {
    const all = new Map<string, Customer>();
    let token = '';
    do {
      const page = await this.#read<{ customers: Customer[]; nextPageToken?: string }>(
        `/v1/customers?pageSize=200&orderBy=createTime${token && `&pageToken=${encodeURIComponent(token)}`}`,
      );
      for (const customer of page.customers) all.set(customer.id, customer);
      token = page.nextPageToken ?? '';
    } while (token);
    return all;
  }

  /** Waits until sync has taken the changes of customers so far from their feed. */
  async #untilTaken(): Promise<void> {
    const ask = async <Row extends object>(sql: string, values: unknown[]) => {
      const [row] = await this.api.query<Row>(sql, values, 'customers');
      return row!;
    };
    const { last } = await ask<{ last: string | null }>('select max(sequence) as last from outbox', []);
    const moved = 'select not exists (select from outbox where sequence <= $1) as yes';
    await vi.waitFor(async () => expect(await ask(moved, [last])).toEqual({ yes: true }), soon);
    const { end } = await ask<{ end: string }>('select change_log_end() as end', []);
    const taken = `select exists (select from change_consumer where name = 'sync' and position >= $1) as yes`;
    await vi.waitFor(async () => expect(await ask(taken, [end])).toEqual({ yes: true }), soon);
  }

  async #read<Body>(path: string): Promise<Body> {
    const { status, body } = await untilThere(() => this.api.send('GET', path));
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${JSON.stringify(body)}`);
    return body as Body;
  }
}

/** The answer to a call, which is made again while a service is away: a test beside this one may have killed it. */
async function untilThere<Answer extends { status: number }>(call: () => Promise<Answer>): Promise<Answer> {
  const answered = async () => {
    const answer = await call();
    return answer.status === 503 ? undefined : answer;
  };
  return vi.waitUntil(answered, patience);
}

export function isEqual({ state, comparison: found = {} }: Run): boolean {
  return state === 'SUCCEEDED' && ['differing', 'onlyCustomers', 'onlyRecords'].every((name) => found[name] === 0);
}

/** Waits until another session waits for a lock of `client`. */
export async function untilBlocks(client: pg.Client): Promise<void> {
  const blocked = 'select from pg_locks where not granted and pg_backend_pid() = any (pg_blocking_pids(pid))';
  await expect.poll(async () => (await client.query(blocked)).rowCount).toBeGreaterThan(0);
}
