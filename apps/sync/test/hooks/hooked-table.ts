import { Webhook } from 'standardwebhooks';
import type { SharedPlatform } from '@rapport/testing';
import { expect } from 'vitest';
import { createPostgresSchema, type PostgresSchema } from '../connectors/sql-databases.ts';
import { ExchangeTenant } from '../exchange/exchange-tenant.ts';

const people = `CREATE TABLE people (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, title text,
  deleted_at timestamptz, updated_at timestamptz NOT NULL)`;

const fields = [
  { customerField: 'displayName', peerField: 'name' },
  { customerField: 'jobTitle', peerField: 'title' },
];

export interface Hook {
  id: string;
  messageId: string;
  state: string;
  recordCount: number;
  bodyBytes: number;
}

export interface HookAnswer {
  status: number;
  headers: Headers;
  body: { code?: string; detail?: string; errors?: unknown[] };
}

/** What is sent of a webhook. */
export interface Message {
  id: string;
  body: string;
}

/**
 * A table whose application tells of changes by webhook only: the times in it are so old that no read from a cursor finds what has
 * changed, and the mapping is never due by itself.
 */
export class HookedTable {
  readonly secret = `whsec_${Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString('base64')}`;
  readonly tenant: ExchangeTenant;
  readonly database: PostgresSchema;
  connection = '';
  mapping = '';
  readonly #platform: SharedPlatform;

  private constructor(platform: SharedPlatform, tenant: ExchangeTenant, database: PostgresSchema) {
    this.#platform = platform;
    this.tenant = tenant;
    this.database = database;
  }

  /** With a connection, and without a mapping. */
  static async create(platform: SharedPlatform): Promise<HookedTable> {
    const table = new HookedTable(platform, await ExchangeTenant.create(platform), await createPostgresSchema());
    await table.database.run(people);
    table.connection = await table.connect({ webhookSecret: table.secret });
    return table;
  }

  /** Starts the exchange of rows. One row and its customer exist without a webhook. */
  async map(): Promise<void> {
    await this.database.run(`INSERT INTO people (name, title, updated_at) VALUES ('First', 'Title', now())`);
    this.mapping = await this.tenant.map(this.connection, { recordType: 'people', fields });
    await expect.poll(async () => (await this.tenant.customers()).size).toBe(1);
  }

  connect(secrets: object): Promise<string> {
    const { port, user, password, database } = this.database;
    const columns = {
      schema: user,
      table: 'people',
      idColumn: 'id',
      updatedColumn: 'updated_at',
      deletedColumn: 'deleted_at',
    };
    const settings = {
      ...{ engine: 'POSTGRESQL', host: '127.0.0.1', port, database, user, tls: 'OFF', lateCommitSeconds: 0 },
      ...columns,
    };
    return this.tenant.connect('sql', settings, { password, ...secrets });
  }

  /** @returns the id of the new row */
  async insert(name: string, title: string): Promise<string> {
    const [[id = ''] = []] = await this.database.run(
      `INSERT INTO people (name, title, updated_at) VALUES ('${name}', '${title}', '2001-02-03') RETURNING id`,
    );
    return id;
  }

  async retitle(id: string, title: string): Promise<void> {
    await this.database.run(`UPDATE people SET title = '${title}' WHERE id = ${id}`);
  }

  /** The payload of a webhook about rows. */
  about(...ids: string[]): Message {
    return { id: `msg_${crypto.randomUUID()}`, body: JSON.stringify({ table: 'people', ids }) };
  }

  /** What proves a message. */
  signed({ id, body }: Message, { secret = this.secret, at = new Date() } = {}): Record<string, string> {
    const signature = new Webhook(secret).sign(id, at, body);
    return {
      ...{ 'webhook-id': id, 'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)) },
      ...{ 'webhook-signature': signature, 'content-type': 'application/json' },
    };
  }

  /** Sends a message as it is. */
  async post({ body }: Message, headers: Record<string, string>, connection = this.connection): Promise<HookAnswer> {
    const answer = await fetch(`${this.#platform.edgeUrl}/v1/hooks/${connection}`, { method: 'POST', headers, body });
    const text = await answer.text();
    return {
      status: answer.status,
      headers: answer.headers,
      body: (text === '' ? {} : JSON.parse(text)) as HookAnswer['body'],
    };
  }

  /** All webhooks that the ledger has, newest first. */
  async hooks(connection = this.connection): Promise<Hook[]> {
    const found: Hook[] = [];
    let token = '';
    do {
      const page = await this.tenant.api.ok<{ hooks: Hook[]; nextPageToken?: string }>(
        'GET',
        `/v1/connections/${connection}/hooks?pageSize=200${token && `&pageToken=${encodeURIComponent(token)}`}`,
      );
      found.push(...page.hooks);
      token = page.nextPageToken ?? '';
    } while (token);
    return found;
  }

  /** Waits until the records of all webhooks were read again. */
  async untilHandled(timeout = 60_000): Promise<Hook[]> {
    let hooks: Hook[] = [];
    await expect
      .poll(
        async () => {
          hooks = await this.hooks();
          return hooks.filter(({ state }) => state !== 'HANDLED').length;
        },
        { timeout, interval: 100 },
      )
      .toBe(0);
    return hooks;
  }

  /** Names and titles in the table. */
  rows(): Promise<string[][]> {
    return this.database.run('SELECT name, title FROM people WHERE deleted_at IS NULL ORDER BY id');
  }
}
