import { setTimeout as delay } from 'node:timers/promises';
import { isSoak, printedSeed, printTally, drawnBy, sizeOf, soakTimeoutMs, type Platform } from '@rapport/testing';
import { beforeAll, expect, test, vi } from 'vitest';
import { durablePlatform } from '../durable-platform.ts';
import { allFaults, type Fault } from './faults.ts';
import { NumberedWriters, requestDeadlineMs } from './numbered-writers.ts';
import { expectAllStored } from './stored-writes.ts';

/** All faults in the long form. */
const faultCount = sizeOf('CHAOS_FAULTS', { short: 3, long: 100 });
/** Duration of each fault: an input of the test, not a wait for a condition. */
const faultMs = sizeOf('CHAOS_FAULT_MS', { short: 2_000, long: 10_000 });
const kills = sizeOf('CHAOS_KILLS', { short: 1, long: 20 });
/**
 * How long a request may take beyond its deadline: in the long form, the time of a frozen edge; in the short form, only a
 * hang is a fault, because the machine may be busy.
 */
const graceMs = isSoak ? 3_000 : 120_000;
/** Time within which each edge must acknowledge again, checked only in the long form. */
const longestBackMs = 5_000;
const metricsTimeoutMs = 1_000;
/** Retries of each edge after a quiet time, besides a tenth of its calls. */
const savedRetries = 5;

let platform: Platform;

beforeAll(async () => {
  ({ platform } = await durablePlatform());
}, 300_000);

test('no fault loses, doubles or half executes an acknowledged write', { timeout: soakTimeoutMs }, async () => {
  const seed = printedSeed('chaos');
  const tenant = await platform.createTenant('Chaos');
  const writers = new NumberedWriters(platform.edgeUrls, tenant, 50, graceMs);
  for (const fault of drawnBy(seed, allFaults(platform), faultCount)) await goThrough(fault, writers);
  await writers.stop();

  tell('chaos', writers);
  await expectAllStored(platform.customersDatabase, tenant, writers);
  if (isSoak) expect(writers.longestMs.working).toBeLessThan(requestDeadlineMs);
});

test(
  'customers killed again and again while 50 write loses no acknowledged write and doubles none',
  { timeout: soakTimeoutMs },
  async () => {
    const tenant = await platform.createTenant('Killed');
    const writers = new NumberedWriters(platform.edgeUrls, tenant, 50, graceMs);
    for (let kill = 0; kill < kills; kill += 1) {
      await writers.untilMore(100);
      await platform.services.customers.kill();
      await platform.services.customers.start();
    }
    await writers.untilMore(100);
    await writers.stop();

    tell(`${kills} kills of customers`, writers);
    await expectAllStored(platform.customersDatabase, tenant, writers);
  },
);

function tell(name: string, { acknowledged, sent, longestMs }: NumberedWriters): void {
  printTally(name, {
    sent,
    acknowledged: acknowledged.size,
    'longest in ms': longestMs.working,
    'longest at a frozen edge in ms': longestMs.frozen,
  });
}

async function goThrough({ name, frozenEdge, strike, heal }: Fault, writers: NumberedWriters): Promise<void> {
  await writers.untilMore(50);
  const before = { answered: writers.acknowledged.size + writers.refused, refused: writers.refused };
  const attemptsBefore = await allAttempts();
  await strike();
  // A frozen edge takes the whole timeout to report its attempts.
  const [last] = await Promise.all([delay(faultMs - metricsTimeoutMs).then(allAttempts), delay(faultMs)]);
  const attempts = difference(last, attemptsBefore);
  const [requests, refused] = [writers.sent - before.answered, writers.refused - before.refused];
  if (frozenEdge !== undefined) writers.thaw(frozenEdge);
  await heal();
  const healedAt = performance.now();
  await vi.waitUntil(writers.watchEdges(), { timeout: 120_000, interval: 20 });
  const backMs = Math.round(performance.now() - healedAt);
  printTally(`chaos: ${name}`, { requests, refused, 'back after ms': backMs, attempts: JSON.stringify(attempts) });
  if (isSoak) expect(backMs, `until each edge acknowledges after ${name}`).toBeLessThan(longestBackMs);
  for (const [service, { first, retry }] of Object.entries(attempts)) {
    const most = 2 * savedRetries;
    expect(first + retry, `attempts of ${service} for ${requests} requests`).toBeLessThanOrEqual(most + requests * 1.2);
    expect(retry, `retries of ${first} calls of ${service}`).toBeLessThanOrEqual(most + first * 0.1);
  }
}

/** First attempts and retries, by service. */
type Attempts = Record<string, { first: number; retry: number }>;

/** Summed over all edges that answer. */
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
