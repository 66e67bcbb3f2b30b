import { queryDatabase, type Platform, type Tenant } from '@rapport/testing';
import { expect } from 'vitest';
import type { NumberedWriters } from './numbered-writers.ts';

type Database = Platform['customersDatabase'];

/** Exactly the acknowledged writes are stored, with their keys, and once in the change log. */
export async function expectAllStored(
  database: Database,
  { tenantId }: Tenant,
  { faults, acknowledged }: NumberedWriters,
): Promise<void> {
  expect(faults).toEqual([]);
  expect(new Map(await storedCustomers(database, tenantId))).toEqual(acknowledged);
  expect(await keysOf(database, tenantId)).toBe(acknowledged.size);
  const once = { all: acknowledged.size, once: acknowledged.size };
  const logged = async () => {
    const ids = await loggedCustomers(database, tenantId);
    return { all: ids.length, once: new Set(ids).size };
  };
  await expect.poll(logged, { timeout: 120_000 }).toEqual(once);
}

/** Name and id of each. */
export async function storedCustomers(database: Database, tenantId: string): Promise<[name: string, id: string][]> {
  const rows = await ask<{ display_name: string; id: string }>(
    database,
    'select display_name, id from customer where tenant_id = $1',
    tenantId,
  );
  return rows.map(({ display_name: name, id }) => [name, id]);
}

/** The ids of the created customers, in the order of the change log. */
export async function loggedCustomers(database: Database, tenantId: string): Promise<string[]> {
  const rows = await ask<{ record_id: string }>(
    database,
    `select record_id from change_log where tenant_id = $1 and operation = 'CREATE' and type = 'customer' order by position`,
    tenantId,
  );
  return rows.map(({ record_id: id }) => id);
}

/** Number of e-mail addresses in use. */
async function keysOf(database: Database, tenantId: string): Promise<number> {
  const sql = 'select count(*)::int from customer_key where tenant_id = $1';
  const [row] = await ask<{ count: number }>(database, sql, tenantId);
  return row?.count ?? 0;
}

function ask<Row extends Record<string, unknown>>(database: Database, sql: string, tenantId: string): Promise<Row[]> {
  return queryDatabase<Row>(database.superuserUrl, sql, [tenantId]);
}
