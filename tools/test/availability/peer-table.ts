import { randomBytes } from 'node:crypto';
import { provisionDatabase, queryDatabase, type Platform } from '@rapport/testing';
import { expect } from 'vitest';
import type { ApiClient } from '../api-client.ts';

const companies = `create table company (id bigint generated always as identity primary key, rapport_key text unique,
  name text not null, updated_at timestamptz not null default clock_timestamp())`;

/** A table of companies in PostgreSQL, which a connection of a tenant exchanges continually. */
export class PeerTable {
  readonly #url: string;
  readonly #api: ApiClient;
  readonly #mappingId: string;

  private constructor(url: string, api: ApiClient, mappingId: string) {
    this.#url = url;
    this.#api = api;
    this.#mappingId = mappingId;
  }

  static async create({ postgres }: Platform, api: ApiClient): Promise<PeerTable> {
    const { ownerUrl } = await provisionDatabase(postgres.superuserUrl, `peer_${randomBytes(4).toString('hex')}`);
    await queryDatabase(ownerUrl, companies);
    const { port, username: user, password, pathname } = new URL(ownerUrl);
    const columns = { idColumn: 'id', updatedColumn: 'updated_at', keyColumn: 'rapport_key' };
    const settings = {
      ...{ engine: 'POSTGRESQL', host: '127.0.0.1', port: Number(port), database: pathname.slice(1), user, tls: 'OFF' },
      ...{ schema: 'public', table: 'company', ...columns, lateCommitSeconds: 0 },
    };
    const connection = { connector: 'sql', displayName: 'Companies', settings, secrets: { password }, pollSeconds: 5 };
    const { body: made } = await api.send('POST', '/v1/connections', { body: connection });
    const fields = [{ customerField: 'displayName', peerField: 'name' }];
    const { id: connectionId } = made as { id: string };
    const mapping = { connectionId, customerKind: 'COMPANY', recordType: 'company', fields };
    const { status, body } = await api.send('POST', '/v1/mappings', { body: mapping });
    expect({ status, body }).toMatchObject({ status: 201 });
    return new PeerTable(ownerUrl, api, (body as { id: string }).id);
  }

  /** Inserts a row, and waits until the connection has made it a customer. */
  async exchange(name: string): Promise<void> {
    await queryDatabase(this.#url, 'insert into company (name) values ($1)', [name]);
    const found = async () => {
      const { body } = await this.#api.send('GET', `/v1/customers?q=${encodeURIComponent(name)}`);
      return (body as { customers?: unknown[] }).customers?.length;
    };
    await expect.poll(found, { timeout: 240_000, interval: 500 }).toBe(1);
  }

  /** Reasons of the runs that failed. */
  async failures(): Promise<unknown[]> {
    const { body } = await this.#api.send('GET', `/v1/syncRuns?mappingId=${this.#mappingId}&pageSize=100`);
    const { syncRuns } = body as { syncRuns: { state: string; errorReason?: string }[] };
    return syncRuns.filter(({ state }) => state === 'FAILED').map(({ errorReason }) => errorReason);
  }
}
