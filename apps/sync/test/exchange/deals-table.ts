import { createPostgresSchema, type PostgresSchema } from '../connectors/sql-databases.ts';
import type { ExchangeTenant } from './exchange-tenant.ts';

/** The contact of a deal is the id of a row of the table of people. */
const deals = `CREATE TABLE deals (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, rapport_key text UNIQUE, title text NOT NULL,
  contact bigint, stage text, amount numeric(12,2), due date, reason text, status text, deleted_at timestamptz,
  edit_key text, updated_at timestamptz NOT NULL DEFAULT clock_timestamp())`;

/** The stages of the pipeline that deals of the table go through. */
const stages = [
  { key: 'lead', name: 'Lead', kind: 'OPEN' },
  { key: 'proposal', name: 'Proposal', kind: 'OPEN' },
  { key: 'won', name: 'Won', kind: 'WON' },
  { key: 'lost', name: 'Lost', kind: 'LOST' },
];

export interface Deal extends Record<string, unknown> {
  id: string;
  etag: string;
  title: string;
}

/** A table of deals in PostgreSQL, which a tenant has a connection to. */
export class DealsTable {
  private constructor(
    readonly tenant: ExchangeTenant,
    readonly database: PostgresSchema,
    readonly connection: string,
    readonly pipelineId: string,
  ) {}

  static async create(tenant: ExchangeTenant, pipeline: object = {}, more: object = {}): Promise<DealsTable> {
    const database = await createPostgresSchema();
    await database.run(deals);
    const connection = await tenant.connectTable(database, 'deals', { ...more });
    const created = await tenant.api.ok<{ id: string }>('POST', '/v1/pipelines', {
      name: 'Sales',
      stages,
      ...pipeline,
    });
    return new DealsTable(tenant, database, connection, created.id);
  }

  /** @param people mapping of the records that deals refer to */
  body(people: string | undefined, more: object = {}): Record<string, unknown> {
    const fields = [
      { customerField: 'title', peerField: 'title' },
      { customerField: 'stage', peerField: 'stage' },
      { customerField: 'amount.amount', peerField: 'amount' },
      { customerField: 'closeDate', peerField: 'due' },
      { customerField: 'lostReason', peerField: 'reason' },
      { customerField: 'status', peerField: 'status', authority: 'CUSTOMER' },
      ...(people === undefined
        ? []
        : [{ customerField: 'customerId', peerField: 'contact', referenceMappingId: people }]),
    ];
    const defaults = { pipelineId: this.pipelineId, 'amount.currencyCode': 'EUR' };
    return { connectionId: this.connection, object: 'deals', recordType: 'deals', fields, defaults, ...more };
  }

  async map(people: string | undefined, more: object = {}): Promise<string> {
    return (await this.tenant.api.ok<{ id: string }>('POST', '/v1/mappings', this.body(people, more))).id;
  }

  async insert(title: string, values: Record<string, string> = {}): Promise<void> {
    const all = { stage: `'lead'`, ...values };
    const [names, texts] = [Object.keys(all), Object.values(all)];
    await this.database.run(`INSERT INTO deals (title, ${names.join(', ')}) VALUES ('${title}', ${texts.join(', ')})`);
  }

  async update(title: string, set: string): Promise<void> {
    await this.database.run(`UPDATE deals SET ${set}, updated_at = clock_timestamp() WHERE title = '${title}'`);
  }

  rows(columns: string): Promise<string[][]> {
    return this.database.run(`SELECT ${columns} FROM deals WHERE deleted_at IS NULL ORDER BY title`);
  }

  async deals(): Promise<Deal[]> {
    return (await this.tenant.api.ok<{ deals: Deal[] }>('GET', '/v1/deals?pageSize=200&orderBy=title')).deals;
  }
}
