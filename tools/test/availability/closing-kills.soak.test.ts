import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { printedSeed, printTally, queryDatabase, sizeOf, soakTimeoutMs, type Platform } from '@rapport/testing';
import { beforeAll, expect, test, vi } from 'vitest';
import { ApiClient } from '../api-client.ts';
import { databaseUrl, oldestTransaction, tablesWith } from '../tables-with.ts';
import { newMarker } from '../access/markers.ts';
import { killedPlatform } from './killed-platform.ts';

/** Customers of the workspace, and how often each of the services is killed while its rows are removed. */
const count = sizeOf('CLOSING_CUSTOMERS', { short: 1_000, long: 100_000 });
const kills = sizeOf('CLOSING_KILLS', { short: 1, long: 5 });

const batchSize = 1_000;

let platform: Platform;

beforeAll(async () => {
  ({ platform } = await killedPlatform());
}, 300_000);

/** A number from 0 to 1. */
function random(seed: number, number: number): number {
  return createHash('sha256').update(`${seed} ${number}`).digest().readUInt32LE() / 2 ** 32;
}

async function receiptOf(tenantId: string): Promise<{ is_complete: boolean; rows: number } | undefined> {
  const url = databaseUrl(platform.postgres.superuserUrl, 'auth');
  const sql = `select complete_time is not null as is_complete, (customers_rows + sync_rows + auth_rows)::int as rows
    from closed_tenant where id = $1`;
  return (await queryDatabase<{ is_complete: boolean; rows: number }>(url, sql, [tenantId]))[0];
}

/** The users of a tenant, which are disabled and enabled. */
class ChangingUsers {
  /** Whether a user is disabled, by id: as acknowledged last. */
  readonly disabled = new Map<string, boolean>();

  readonly #api: ApiClient;
  readonly #tenantId: string;

  private constructor(api: ApiClient, tenantId: string) {
    this.#api = api;
    this.#tenantId = tenantId;
  }

  static async create(): Promise<ChangingUsers> {
    const { tenantId, apiKey } = await platform.createTenant('Changing');
    const users = new ChangingUsers(await ApiClient.connect(platform.edgeUrl, apiKey), tenantId);
    for (let made = 0; made < 4; made += 1) {
      const user = { email: `${crypto.randomUUID()}@example.com`, displayName: 'Ada', roleIds: ['read-only'] };
      const { body } = await users.#api.send('POST', '/v1/users', { body: user });
      users.disabled.set((body as { id: string }).id, false);
    }
    return users;
  }

  /** Changes the state of each user. */
  async change(): Promise<void> {
    for (const [id, was] of this.disabled) {
      const change = { body: { state: was ? 'INVITED' : 'DISABLED' } };
      const isDone = async () => (await this.#api.send('PATCH', `/v1/users/${id}`, change)).status === 200;
      // The edge takes a moment to reach auth again.
      await vi.waitUntil(isDone, { timeout: soakTimeoutMs / 2, interval: 100 });
      this.disabled.set(id, !was);
    }
  }

  /** The same as customers knows it. */
  async known(): Promise<Map<string, boolean>> {
    const sql = 'select user_id, is_inactive from user_state where tenant_id = $1';
    const { superuserUrl } = platform.customersDatabase;
    const rows = await queryDatabase<{ user_id: string; is_inactive: boolean }>(superuserUrl, sql, [this.#tenantId]);
    return new Map(rows.map((row) => [row.user_id, row.is_inactive]));
  }
}

test(
  'a closing whose services are killed meanwhile leaves only its receipt, and customers gets to know each changed state of a user',
  async () => {
    const seed = printedSeed('closing kills');
    const { superuserUrl } = platform.postgres;
    const since = await oldestTransaction(superuserUrl);
    const { tenantId, apiKey } = await platform.createTenant('Closing');
    const api = await ApiClient.connect(platform.edgeUrl, apiKey);
    const marker = newMarker();
    for (let made = 0; made < count; made += batchSize) {
      const items = Array.from({ length: batchSize }, (_, index) => ({
        customer: { kind: 'PERSON', displayName: `${marker} ${made + index}` },
      }));
      const { status } = await api.send('POST', '/v1/customers:batchCreate', { body: { items } });
      expect(status).toBe(200);
    }

    const users = await ChangingUsers.create();
    expect(await api.send('POST', '/v1/workspace:close', { body: { tenantId } })).toMatchObject({ status: 200 });

    const { customers, sync, auth } = platform.services;
    let killed = 0;
    for (let round = 0; round < kills; round += 1) {
      for (const service of [customers, sync, auth]) {
        // Kills happen at random times.
        await delay(random(seed, killed) * 4_000);
        await users.change();
        await service.kill();
        if (service !== auth) await users.change();
        await service.start();
        killed += 1;
      }
    }
    await vi.waitUntil(async () => (await receiptOf(tenantId))?.is_complete, {
      timeout: soakTimeoutMs / 2,
      interval: 500,
    });
    const receipt = await receiptOf(tenantId);
    expect(await tablesWith(superuserUrl, [tenantId, marker], since)).toEqual(['auth.closed_tenant']);
    const isKnown = expect.poll(() => users.known(), { timeout: soakTimeoutMs / 2, interval: 500 });
    await isKnown.toEqual(users.disabled);
    printTally('closing', { customers: count, reportedRows: receipt?.rows ?? 0, kills: killed });
  },
  soakTimeoutMs,
);
