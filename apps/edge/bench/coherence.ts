// The cost of coherence across edges: leases with acknowledged invalidation, compared with reading the tags' nonces from
// Redis on each read. `node bench/coherence.ts`; figures are CPU of this process, with 64 reads in flight.
import { join } from 'node:path';
import { createLogger } from '@rapport/platform';
import { importSource, median, startRedis } from '@rapport/testing';
import type * as Source from './cache-source.ts';

const { createRedis, InvalidationSources, RedisEdges, redisNames, TagVersions } = await importSource<typeof Source>(
  join(import.meta.dirname, 'cache-source.ts'),
);

const tags = ['t/customer:1', 't/customer*'];
const rounds = 5;

const logger = createLogger('bench', 'silent');
const redis = await startRedis();
const links = await Promise.all([0, 1].map(() => createRedis(redis.url, logger)));
const versions = new TagVersions();
const edges = links.map(
  (link) =>
    new RedisEdges(
      link,
      logger,
      (tags) => versions.invalidate(tags),
      () => versions.invalidateAll(),
    ),
);
const link = first(links);
const edge = first(edges);

const results: Record<string, number[]> = {};
for (let round = 0; round < rounds; round++) {
  while (!edges.every(({ lease }) => lease.isHeld)) await new Promise((resolve) => setTimeout(resolve, 50));
  note('read, lease, µs', await cpuOf(200_000, readsByLease));
  note('read, nonces joined per tick, µs', await cpuOf(50_000, readsByNonces));
  note('write, invalidate and wait for the other edge, µs', await cpuOf(1_000, writesByLease));
  note('write, delete two nonces, µs', await cpuOf(1_000, writesByNonces));
}
for (const [name, values] of Object.entries(results)) {
  console.log(`${name.padEnd(55)} ${median(values).toFixed(3)}`);
}
await Promise.all(edges.map((each) => each.close()));
for (const each of links) each.close();
await redis.stop();

async function readsByLease(count: number): Promise<void> {
  const sources = new InvalidationSources(edge.lease, []);
  const snapshot = versions.snapshot(tags);
  let good = 0;
  for (let n = 0; n < count; n++) if (snapshot.isCurrent && sources.silent('customers') === undefined) good++;
  if (good === 0) throw new Error('There was no lease.');
}

async function readsByNonces(count: number): Promise<void> {
  let waiting: (() => void)[] = [];
  const ask = () => {
    const done = waiting;
    waiting = [];
    const keys = done.flatMap(() => tags).map(redisNames.tag);
    void link.ask((client) => client.mGet(keys)).then(() => done.forEach((each) => each()));
  };
  const worker = async (reads: number) => {
    for (let n = 0; n < reads; n++) {
      await new Promise<void>((resolve) => {
        if (waiting.push(resolve) === 1) setImmediate(ask);
      });
    }
  };
  await Promise.all(Array.from({ length: 64 }, () => worker(count / 64)));
}

async function writesByLease(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await (await edge.invalidate(tags)).acknowledged;
}

async function writesByNonces(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await edge.voidTags(tags);
}

async function cpuOf(count: number, run: (count: number) => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await run(count);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}

function note(name: string, value: number): void {
  (results[name] ??= []).push(value);
}

function first<Item>([item]: Item[]): Item {
  if (item === undefined) throw new Error('There is none.');
  return item;
}
