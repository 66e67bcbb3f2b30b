import pg from 'pg';
import { expect, inject } from 'vitest';
import { createPostgresSchema, type PostgresSchema } from '../connectors/sql-databases.ts';
import type { Customer, ExchangeTenant } from './exchange-tenant.ts';

const people = `CREATE TABLE people (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, rapport_key text UNIQUE, name text NOT NULL,
  title text, email text, deleted_at timestamptz, updated_at timestamptz NOT NULL DEFAULT clock_timestamp())`;

const fields = [
  { customerField: 'displayName', peerField: 'name' },
  { customerField: 'jobTitle', peerField: 'title' },
  { customerField: 'emails', peerField: 'email', transform: 'FIRST_OF_LIST' },
];

/** A table of people in PostgreSQL, which a tenant has a connection to. */
export class PeopleTable {
  private constructor(
    readonly tenant: ExchangeTenant,
    readonly database: PostgresSchema,
    readonly connection: string,
  ) {}

  static async create(tenant: ExchangeTenant): Promise<PeopleTable> {
    const database = await createPostgresSchema();
    await database.run(people);
    const connection = await tenant.connectTable(database, 'people');
    return new PeopleTable(tenant, database, connection);
  }

  map(more: object = {}): Promise<string> {
    return this.tenant.map(this.connection, { recordType: 'people', fields, ...more });
  }

  async insert(name: string, title = 'Analyst', email = ''): Promise<void> {
    await this.database.run(
      `INSERT INTO people (name, title, email) VALUES ('${name}', '${title}', nullif('${email}', ''))`,
    );
  }

  async update(condition: string, set: string): Promise<void> {
    await this.database.run(`UPDATE people SET ${set}, updated_at = clock_timestamp() WHERE ${condition}`);
  }

  /** Locks the table: all other sessions wait until it is released. */
  async lock(): Promise<{ waiting: () => Promise<number>; release: () => Promise<void> }> {
    const { database, user } = this.database;
    const url = new URL(inject('superuserUrl'));
    url.pathname = database;
    const client = new pg.Client({ connectionString: url.href });
    await client.connect();
    await client.query('begin');
    await client.query(`lock table ${user}.people in access exclusive mode`);
    const waiting = `select from pg_locks where not granted and relation = '${user}.people'::regclass`;
    return {
      waiting: async () => (await client.query(waiting)).rowCount ?? 0,
      release: async () => {
        await client.query('rollback');
        await client.end();
      },
    };
  }

  titles(): Promise<string[][]> {
    return this.database.run('SELECT name, title FROM people WHERE deleted_at IS NULL ORDER BY name');
  }

  async customerOf(name: string): Promise<Customer> {
    const customers = [...(await this.tenant.customers()).values()];
    return customers.find(({ displayName }) => displayName === name) ?? expect.fail(`No ${name}`);
  }

  /** Both sides change the title of Ada between two runs. @returns the id of her customer */
  async changeBoth(mapping: string): Promise<string> {
    const { tenant } = this;
    await this.insert('Ada');
    await tenant.run(mapping);
    const { id } = await this.customerOf('Ada');
    await tenant.api.ok('PATCH', `/v1/mappings/${mapping}`, { state: 'PAUSED' });
    await tenant.api.updateCustomer(id, { jobTitle: 'Countess' });
    await this.update(`name = 'Ada'`, `title = 'Programmer'`);
    await tenant.api.ok('PATCH', `/v1/mappings/${mapping}`, { state: 'ENABLED' });
    await tenant.run(mapping);
    return id;
  }
}
