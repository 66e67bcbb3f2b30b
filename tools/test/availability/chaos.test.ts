import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { comesTrueWithinMs, queryDatabase, startPlatform, type Platform, type Tenant } from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { allFaults, type Fault } from './faults.ts';
import { NumberedWriters, requestDeadlineMs } from './numbered-writers.ts';

/** All faults, each for 10 s; otherwise a few for 2 s. */
const isFull = process.env['CHAOS'] === 'all';
const faultCount = isFull ? Infinity : 4;
const faultMs = isFull ? 10_000 : 2_000;
/** For an edge that is frozen as long as its requests may take, which end after that, or for a machine that does other work besides. */
const graceMs = isFull ? 3_000 : 10_000;
const metricsTimeoutMs = 1_000;
/** What each edge tries again after a quiet time, besides a tenth of its calls. */
const savedRetries = 5;
/** Which faults, in which order. */
const seed = Number(process.env['CHAOS_SEED'] ?? Math.floor(Math.random() * 1e9));

let platform: Platform;
let tenant: Tenant;
let dataDir: string;

beforeAll(async () => {
  // Not a temporary database, which would lose what it acknowledged when it is killed.
  dataDir = await mkdtemp(join(tmpdir(), 'rapport-chaos-'));
  // Who tries again may come faster than a plan allows.
  const plans = JSON.stringify({ standard: { keyUnits: 1e9, tenantUnits: 1e9 } });
  platform = await startPlatform({ dataDir, edges: 2, edgeEnv: { EDGE_COUNT: '2', RATE_PLANS: plans } });
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
    const writers = new NumberedWriters(platform.edgeUrls, tenant, 50, graceMs);
    for (const fault of shuffled(allFaults(platform), seed).slice(0, faultCount)) await goThrough(fault, writers);
    await writers.stop();

    const { acknowledged, sent, longestMs } = writers;
    console.log(`chaos: ${acknowledged.size} of ${sent} acknowledged, longest requests in ms`, longestMs);
    expect(writers.faults).toEqual([]);
    if (isFull) expect(longestMs.working).toBeLessThan(requestDeadlineMs);
    expect(new Map(await storedCustomers())).toEqual(acknowledged);
    expect(await keysOf()).toBe(acknowledged.size);
    await expect.poll(loggedCreations).toEqual({ all: acknowledged.size, once: acknowledged.size });
  },
);

async function goThrough({ name, frozenEdge, strike, heal }: Fault, writers: NumberedWriters): Promise<void> {
  await writers.untilMore(50);
  const before = { answered: writers.acknowledged.size + writers.refused, refused: writers.refused };
  const attemptsBefore = await allAttempts();
  await strike();
  // A frozen edge takes all of the time that it is given to tell of its attempts.
  const [last] = await Promise.all([delay(faultMs - metricsTimeoutMs).then(allAttempts), delay(faultMs)]);
  const attempts = difference(last, attemptsBefore);
  const [requests, refused] = [writers.sent - before.answered, writers.refused - before.refused];
  if (frozenEdge !== undefined) writers.thaw(frozenEdge);
  await heal();
  const healedAt = performance.now();
  const isBack = await comesTrueWithinMs(5_000, writers.watchEdges());
  const backMs = Math.round(performance.now() - healedAt);
  console.log(`chaos: ${name}: ${refused} of ${requests} not acknowledged, back after ${backMs} ms`, attempts);
  expect(isBack, `each edge acknowledges within 5 s of ${name}`).toBe(true);
  for (const [service, { first, retry }] of Object.entries(attempts)) {
    expect(first + retry, `attempts of ${service} for ${requests} requests`).toBeLessThanOrEqual(requests * 1.2);
    expect(retry, `retries of ${first} calls of ${service}`).toBeLessThanOrEqual(2 * savedRetries + first * 0.1);
  }
}

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

/** First attempts and retries, by service. */
type Attempts = Record<string, { first: number; retry: number }>;

/** Of all edges that answer. */
async function allAttempts(): Promise<Attempts[]> {
  return Promise.all(platform.metricsUrls.slice(0, 2).map((url) => attemptsOf(url).catch(() => ({}))));
}

async function attemptsOf(metricsUrl: string): Promise<Attempts> {
  const text = await (await fetch(metricsUrl, { signal: AbortSignal.timeout(metricsTimeoutMs) })).text();
  const attempts: Attempts = {};
  for (const [, service = '', kind, count] of text.matchAll(
    /^rapport_attempts_total\{service="(\w+)",attempt="(first|retry)"\} (\d+)$/gm,
  ))
    (attempts[service] ??= { first: 0, retry: 0 })[kind as 'first' | 'retry'] = Number(count);
  return attempts;
}

/** By service, summed over the edges that answered both times. */
function difference(after: Attempts[], before: Attempts[]): Attempts {
  const result: Attempts = {};
  after.forEach((edge, index) => {
    for (const [service, { first, retry }] of Object.entries(edge)) {
      const earlier = before[index]?.[service] ?? { first: 0, retry: 0 };
      const sum = (result[service] ??= { first: 0, retry: 0 });
      sum.first += first - earlier.first;
      sum.retry += retry - earlier.retry;
    }
  });
  return result;
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
