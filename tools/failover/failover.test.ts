// `nx run tools:failover`: faults of a cluster of PostgreSQL under load. FAULTS is their number, SOAK_SEED their order.
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { printedSeed, printTally, sizeOf, startPlatform, type Platform, type Tenant } from '@rapport/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { NumberedWriters } from '../test/availability/numbered-writers.ts';
import { expectAllStored, loggedCustomers, storedCustomers } from '../test/availability/stored-writes.ts';
import { DatabaseCluster } from './database-cluster.ts';
import { drawFaults, type Fault } from './faults.ts';
import { FeedReaders } from './feed-readers.ts';
import { installServers } from './server-packages.ts';

const faultCount = sizeOf('FAULTS', { short: 20, long: 20 });
const writerCount = sizeOf('FAILOVER_WRITERS', { short: 20, long: 50 });
const readerCount = sizeOf('FAILOVER_READERS', { short: 5, long: 20 });
/** How long a fault lasts that the cluster does not survive, in milliseconds. */
const outageMs = sizeOf('OUTAGE_MS', { short: 30_000, long: 30_000 });
/** Within which writes are acknowledged again, in milliseconds: Patroni's `ttl` is 20 s. */
const longestOutageMs = 120_000;
const longestRepairMs = 300_000;
/** Tolerance beyond the deadline of a request, in milliseconds. */
const graceMs = 20_000;
/** Where the logs are after a failure. */
const keptLogs = join(import.meta.dirname, '../test-results/failover-logs');

let folder: string;
let cluster: DatabaseCluster;
let platform: Platform;
let tenant: Tenant;
let hasPassed = false;
/** What has been started, and must end after a failure too. */
const stopSteps: (() => Promise<void>)[] = [];

// A cluster of its own, whose machines it kills.
beforeAll(async () => {
  await installServers();
  folder = await mkdtemp(join(tmpdir(), 'rapport-failover-'));
  const logDir = join(folder, 'logs');
  await mkdir(logDir);
  cluster = await DatabaseCluster.start(folder, logDir);
  stopSteps.push(() => cluster.stop());
  const plans = JSON.stringify({ standard: { keyUnits: 1e9, tenantUnits: 1e9 } });
  platform = await startPlatform({
    dataDir: join(folder, 'platform'),
    superuserUrl: cluster.superuserUrl,
    // Retries may exceed the rate of a plan.
    edgeEnv: { RATE_PLANS: plans },
  });
  stopSteps.push(() => platform.stop());
  tenant = await platform.createTenant('Failover');
}, 600_000);
afterAll(async () => {
  if (!hasPassed) await keepLogs();
  for (const stop of stopSteps.reverse()) await stop();
});

test(
  'no fault of the cluster loses or doubles an acknowledged write, or breaks the order of the feed',
  async () => {
    const seed = printedSeed('failover');
    const writers = new NumberedWriters([platform.edgeUrl], tenant, writerCount, graceMs);
    const readers = new FeedReaders(platform.edgeUrl, tenant, readerCount);
    const outagesMs: number[] = [];
    for (const [index, fault] of drawFaults(seed, faultCount).entries()) {
      outagesMs.push(await goThrough(fault, seed + index, writers));
      await expectNoLoss(writers, readers);
    }
    await writers.stop();
    await expectAllStored(platform.customersDatabase, tenant, writers);
    await expectNoLoss(writers, readers);
    await readers.stop();
    hasPassed = true;

    printTally('failover', {
      ...{ faults: faultCount, writers: writerCount, readers: readerCount, acknowledged: writers.acknowledged.size },
      ...{ 'refused writes': writers.refused, 'refused reads': readers.refused },
      ...{ 'longest until writes in ms': Math.max(...outagesMs), 'longest write in ms': writers.longestMs.working },
    });
  },
  4 * 3_600_000,
);

/** @returns the time until writes were acknowledged again, from the fault on, or from its end on if the cluster does not survive it */
async function goThrough(fault: Fault, seed: number, writers: NumberedWriters): Promise<number> {
  await writers.untilMore(50);
  const untilWrites = async (from: number) => {
    // Requests that began while it struck may have been acknowledged before.
    const now = performance.now();
    await vi.waitUntil(() => writers.hasWrittenSince(now), { timeout: longestOutageMs, interval: 10 });
    return Math.round(performance.now() - from);
  };
  const { at, heal } = await fault.strike(cluster, seed);
  let writesAfterMs: number;
  if (fault.isSurvived) {
    writesAfterMs = await untilWrites(at);
    await heal();
  } else {
    // The duration of the fault: an input of the test.
    await delay(outageMs);
    const ended = performance.now();
    await heal();
    writesAfterMs = await untilWrites(ended);
  }
  const healedAt = performance.now();
  await vi.waitUntil(() => cluster.isWhole(), { timeout: longestRepairMs, interval: 500 });
  const wholeAfterMs = Math.round(performance.now() - healedAt);
  printTally(`failover: ${fault.name}`, {
    ...{ 'writes after ms': writesAfterMs, 'whole after ms': wholeAfterMs },
    ...{ acknowledged: writers.acknowledged.size, refused: writers.refused },
  });
  return writesAfterMs;
}

/** All writes that are acknowledged by now are stored once, and every reader has read them once, in the order of the log. */
async function expectNoLoss(writers: NumberedWriters, readers: FeedReaders): Promise<void> {
  const acknowledged = [...writers.acknowledged];
  const stored = await storedCustomers(platform.customersDatabase, tenant.tenantId);
  const idsByName = new Map(stored);
  expect(idsByName.size).toBe(stored.length);
  expect(acknowledged.filter(([name, id]) => idsByName.get(name) !== id)).toEqual([]);
  const unreadOf = (ids: readonly string[]) => {
    const read = new Set(ids);
    return acknowledged.filter(([, id]) => !read.has(id));
  };
  const allUnread = () => readers.read.flatMap(unreadOf);
  await expect.poll(allUnread, { timeout: longestOutageMs }).toEqual([]);
  const read = readers.read.map((ids) => [...ids]);
  const logged = await loggedCustomers(platform.customersDatabase, tenant.tenantId);
  for (const ids of read) expect(ids).toEqual(logged.slice(0, ids.length));
  expect([...writers.faults, ...readers.faults]).toEqual([]);
}

async function keepLogs(): Promise<void> {
  await rm(keptLogs, { recursive: true, force: true });
  for (const logs of ['logs', 'platform/logs'].map((each) => join(folder, each))) {
    if (existsSync(logs)) await cp(logs, keptLogs, { recursive: true });
  }
}
