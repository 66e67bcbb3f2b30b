import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { comesTrueWithinMs, queryDatabase, startPlatform, type Platform, type Tenant } from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { allFaults } from './faults.ts';
import { NumberedWriters } from './numbered-writers.ts';

/** Which faults, in which order. */
const seed = Number(process.env['CHAOS_SEED'] ?? Math.floor(Math.random() * 1e9));
/** How many of the 15 faults, and how long each lasts: the full size is 15 and 10,000. */
const faultCount = Number(process.env['CHAOS_FAULTS'] ?? 5);
const faultMs = Number(process.env['CHAOS_FAULT_MS'] ?? 1_500);

let platform: Platform;
let tenant: Tenant;
let dataDir: string;

beforeAll(async () => {
  // Not a temporary database, which would lose what it acknowledged when it is killed.
  dataDir = await mkdtemp(join(tmpdir(), 'rapport-chaos-'));
  platform = await startPlatform({ dataDir, edges: 2, edgeEnv: { EDGE_COUNT: '2' } });
  tenant = await platform.createTenant('Chaos');
}, 120_000);
afterAll(async () => {
  await platform.stop();
  await rm(dataDir, { recursive: true });
});

test(
  'whatever is killed or frozen, nothing acknowledged is lost, doubled or half done',
  { timeout: 900_000 },
  async () => {
    console.log(`chaos: CHAOS_SEED=${seed}`);
    const writers = new NumberedWriters(platform.edgeUrls, tenant, 50);
    for (const { name, strike, heal } of shuffled(allFaults(platform), seed).slice(0, faultCount)) {
      await writers.untilMore(50);
      await strike();
      await delay(faultMs);
      await heal();
      const before = writers.acknowledged.size;
      expect(await comesTrueWithinMs(5_000, () => writers.acknowledged.size > before), `${name}, 5 s later`).toBe(true);
      console.log(`chaos: ${name}: ${writers.acknowledged.size} acknowledged`);
    }
    await writers.stop();

    console.log(
      `chaos: ${writers.acknowledged.size} acknowledged, longest request ${Math.round(writers.longestMs)} ms`,
    );
    expect(writers.faults).toEqual([]);
    expect(new Map(await storedCustomers())).toEqual(writers.acknowledged);
    expect(await keysOf()).toBe(writers.acknowledged.size);
    await expect.poll(loggedCreations).toEqual({ all: writers.acknowledged.size, once: writers.acknowledged.size });
    for (const url of platform.metricsUrls.slice(0, 2)) await expectFewRetries(url);
  },
);

async function storedCustomers(): Promise<[string, string][]> {
  const rows = await ask<{ display_name: string; id: string }>(
    'select display_name, id from customer where tenant_id = $1',
  );
  return rows.map(({ display_name: name, id }) => [name, id]);
}

/** How many e-mail addresses are taken. */
async function keysOf(): Promise<number> {
  const [row] = await ask<{ count: number }>('select count(*)::int from customer_key where tenant_id = $1');
  return row?.count ?? 0;
}

async function loggedCreations(): Promise<{ all: number; once: number } | undefined> {
  const [row] = await ask<{ all: number; once: number }>(
    `select count(*)::int as all, count(distinct record_id)::int as once
     from change_log where tenant_id = $1 and operation = 'CREATE' and type = 'customer'`,
  );
  return row;
}

function ask<Row extends Record<string, unknown>>(sql: string): Promise<Row[]> {
  return queryDatabase<Row>(platform.customersDatabase.superuserUrl, sql, [tenant.tenantId]);
}

/** For each service at most 1.2 attempts a request, besides the ten retries that a quiet time saves. */
async function expectFewRetries(metricsUrl: string): Promise<void> {
  const text = await (await fetch(metricsUrl)).text();
  const lines = [...text.matchAll(/^rapport_attempts_total\{service="(\w+)",attempt="(\w+)"\} (\d+)$/gm)];
  const counted = (service: string, attempt: string) =>
    Number(lines.find(([, of, kind]) => of === service && kind === attempt)?.[3] ?? 0);
  for (const service of ['auth', 'customers']) {
    const [first, retries] = [counted(service, 'first'), counted(service, 'retry')];
    console.log(`chaos: ${service}: ${first} requests, ${retries} retries`);
    expect(retries).toBeLessThanOrEqual(10 + first * 0.2);
  }
}

/** Fisher and Yates, by a linear congruential generator (Numerical Recipes). */
function shuffled<Item>(items: Item[], start: number): Item[] {
  let state = start >>> 0;
  const below = (limit: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const result = [...items];
  for (let left = result.length - 1; left > 0; left -= 1) {
    const other = below(left + 1);
    [result[left], result[other]] = [result[other]!, result[left]!];
  }
  return result;
}
