import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { defaultLimitSettings } from '../src/limits/limit-settings.js';
import { bucketOf } from '../src/traffic/latency-buckets.js';
import { ask, ordinary } from './ask.js';
import { startEdgesBehindRedis, type EdgesBehindRedis } from './edges-behind-redis.js';
import { authorization, startOres, type RunningEdge, type RunningOres } from './running-ores.js';

interface OperationFigures {
  operation: string;
  requests?: number;
  clientErrors?: number;
  serverErrors?: number;
  shed?: number;
  cacheHits?: number;
  cacheMisses?: number;
  notModified?: number;
  latencyCounts?: number[];
}

interface Frame {
  durationMs: number;
  partial?: boolean;
  operations?: OperationFigures[];
  services: { service: string; breaker: string }[];
  budgets: Record<'key' | 'workspace', { units: number; unitsLeft: number; resetSeconds: number }>;
}

interface Watch {
  frames: Frame[];
  /** Whether the stream was complete at its end. */
  ended: Promise<'COMPLETE' | 'CUT_OFF'>;
  /** A sum over all frames. */
  total: (operation: string, count: Exclude<keyof OperationFigures, 'operation' | 'latencyCounts'>) => number;
  latencies: (operation: string) => number[];
}

let tenants = 0;
let tenant: string;
beforeEach(() => {
  tenant = `watched-${(tenants += 1)}`;
});

/** Opens a watch, and waits for its first frame: from then on all edges count. */
async function watch({ url }: RunningEdge, tenantId: string, name = 'watcher'): Promise<Watch> {
  const headers = { authorization: authorization(tenantId, 'traffic.read', name) };
  const [answer] = (await once(get(`${url}/v1/traffic:watch`, { headers }), 'response')) as [IncomingMessage];
  const frames: Frame[] = [];
  const ended = readFrames(answer, frames).catch(() => 'CUT_OFF' as const);
  onTestFinished(() => void answer.destroy());
  const of = (operation: string) =>
    frames.flatMap(({ operations = [] }) => operations).filter((each) => each.operation === operation);
  await expect.poll(() => frames.length, { timeout: 60_000 }).toBeGreaterThan(0);
  return {
    frames,
    ended,
    total: (operation, count) => of(operation).reduce((sum, each) => sum + (each[count] ?? 0), 0),
    latencies: (operation) =>
      of(operation).reduce<number[]>((sums, { latencyCounts = [] }) => {
        for (const [bucket, count] of latencyCounts.entries()) sums[bucket] = (sums[bucket] ?? 0) + count;
        return sums;
      }, []),
  };
}

async function readFrames(answer: IncomingMessage, frames: Frame[]): Promise<'COMPLETE'> {
  let rest = '';
  for await (const data of answer) {
    const lines = (rest + String(data)).split('\n');
    rest = lines.pop() ?? '';
    frames.push(...lines.map((line) => JSON.parse(line) as Frame));
  }
  return 'COMPLETE';
}

function read({ url }: RunningEdge, more: Record<string, string> = {}, name = 'key') {
  const headers = { authorization: authorization(tenant, 'ores.read', name), ...more };
  return ask(`${url}/v1/ores/a`, { headers });
}

describe('the traffic of one edge', () => {
  let ores: RunningOres;
  let edge: RunningEdge;
  beforeAll(async () => {
    ores = await startOres();
    edge = await ores.startEdge();
  });
  afterAll(() => ores.stop());

  test('has each request once with its outcome, from all paths of an answer', async () => {
    ores.writeBehind(tenant, 'a');
    const watched = await watch(edge, tenant);

    const { headers } = await read(edge);
    for (let hit = 0; hit < 4; hit += 1) expect((await read(edge)).status).toBe(200);
    expect((await read(edge, ordinary)).status).toBe(200);
    expect((await read(edge, { 'if-none-match': headers['etag'] ?? '' })).status).toBe(304);
    expect((await read(edge, { 'cache-control': 'no-cache' })).status).toBe(200);
    expect(
      (await ask(`${edge.url}/v1/ores/a`, { headers: { authorization: authorization(tenant, 'x.read') } })).status,
    ).toBe(403);
    ores.failNext('getOre', { code: status.INTERNAL, isDone: false });
    expect((await read(edge, { 'cache-control': 'no-cache' })).status).toBe(500);

    await expect.poll(() => watched.total('GetOre', 'requests'), { timeout: 60_000 }).toBe(10);
    const counts = ['cacheHits', 'cacheMisses', 'notModified', 'clientErrors', 'serverErrors', 'shed'] as const;
    expect(counts.map((count) => watched.total('GetOre', count))).toEqual([6, 2, 1, 1, 1, 0]);
    expect(watched.latencies('GetOre').reduce((sum, count) => sum + count)).toBe(10);
  });

  test('has percentiles between those of the service and those that clients measure, within one bucket', async () => {
    ores.writeBehind(tenant, 'a');
    const watched = await watch(edge, tenant);
    const measured: number[] = [];
    let turn = 0;
    const delayOf = (call: number) => 30 + 5 * call;
    ores.setDelay(() => delayOf((turn += 1)));

    for (let call = 0; call < 20; call += 1) {
      const startedAt = performance.now();
      await read(edge, { 'cache-control': 'no-cache' });
      measured.push(performance.now() - startedAt);
    }
    ores.setDelay(() => 0);

    await expect.poll(() => watched.total('GetOre', 'requests'), { timeout: 60_000 }).toBe(20);
    measured.sort((one, other) => one - other);
    for (const rank of [10, 18, 20]) {
      let left = rank;
      const seen = watched.latencies('GetOre').findIndex((count = 0) => (left -= count) <= 0);
      expect(seen).toBeGreaterThanOrEqual(bucketOf(delayOf(rank)) - 1);
      expect(seen).toBeLessThanOrEqual(bucketOf(measured[rank - 1] ?? 0) + 1);
    }
  });

  test('is that of the own tenant only, and says in words how the platform is', async () => {
    ores.writeBehind(tenant, 'a');
    const [own, other] = await Promise.all([watch(edge, tenant), watch(edge, `other-${tenant}`)]);

    await read(edge);

    await expect.poll(() => own.total('GetOre', 'requests'), { timeout: 60_000 }).toBe(1);
    const seen = other.frames.length;
    await expect.poll(() => other.frames.length, { timeout: 60_000 }).toBeGreaterThan(seen + 1);
    expect(other.frames.flatMap(({ operations = [] }) => operations)).toEqual([]);
    expect(other.frames[0]?.services).toEqual([
      { service: 'auth', breaker: 'CLOSED' },
      { service: 'sample', breaker: 'CLOSED' },
    ]);
  });

  test('counts refusals by a rate as shed, and shows what is left of the budgets', async () => {
    const settings = defaultLimitSettings();
    const plan = { keyUnits: 10, tenantUnits: 100, places: { interactive: 10, bulk: 10, feed: 10 } };
    const limited = await ores.startEdge({ limits: { ...settings, plans: new Map([['standard', plan]]) } });
    ores.writeBehind(tenant, 'a');
    const watched = await watch(limited, tenant);

    const statuses = [];
    for (let call = 0; call < 13; call += 1) statuses.push((await read(limited)).status);

    expect(statuses.filter((status) => status === 429)).toHaveLength(3);
    await expect.poll(() => watched.total('GetOre', 'shed'), { timeout: 60_000 }).toBe(3);
    expect(watched.total('GetOre', 'clientErrors')).toBe(3);
    // The watch itself costs 2 units.
    expect(watched.frames.at(-1)?.budgets).toMatchObject({
      key: { units: 10, unitsLeft: 8 },
      workspace: { units: 100, unitsLeft: 88 },
    });
  });

  test('ends when its caller loses the right to see it', async () => {
    const watched = await watch(edge, tenant);

    ores.setRights(authorization(tenant, 'traffic.read', 'watcher'), { permissions: ['ores.read'] });

    expect(await watched.ended).toBe('CUT_OFF');
  });

  test('needs its own permission', async () => {
    const headers = { authorization: authorization(tenant, 'ores.read') };
    expect((await ask(`${edge.url}/v1/traffic:watch`, { headers })).status).toBe(403);
  });
});

describe('the traffic of two edges', () => {
  let platform: EdgesBehindRedis;
  beforeAll(async () => {
    platform = await startEdgesBehindRedis();
  });
  afterAll(() => platform.stop());

  test('is the sum of both, at each of them', async () => {
    const { ores, edges } = platform;
    ores.writeBehind(tenant, 'a');
    const watches = await Promise.all(edges.map((edge, index) => watch(edge, tenant, `watcher-${index}`)));

    const reads = Array.from({ length: 120 }, (_, turn) => read(turn % 3 === 0 ? edges[0] : edges[1]));
    await Promise.all(reads);

    for (const watched of watches) {
      await expect.poll(() => watched.total('GetOre', 'requests'), { timeout: 60_000 }).toBe(120);
      const outcomes = watched.total('GetOre', 'cacheHits') + watched.total('GetOre', 'cacheMisses');
      expect(outcomes).toBe(120);
      expect(watched.frames.some(({ partial }) => partial)).toBe(false);
    }
    const [one, other] = watches.map((watched) => watched.latencies('GetOre'));
    expect(one).toEqual(other);
  });

  test('includes an edge at which nobody watches, once that has heard of the watch', async () => {
    const { ores, edges } = platform;
    ores.writeBehind(tenant, 'a');
    const watched = await watch(edges[0], tenant);

    const isSeen = async () => {
      await read(edges[1]);
      return watched.total('GetOre', 'requests') > 0;
    };
    await expect.poll(isSeen, { timeout: 60_000 }).toBe(true);
  });

  test('is marked as partial while Redis does not answer', async () => {
    const { ores, redis, edges } = platform;
    ores.writeBehind(tenant, 'a');
    const watched = await watch(edges[0], tenant);

    redis.freeze();
    await expect.poll(() => watched.frames.at(-1)?.partial, { timeout: 60_000 }).toBe(true);
    await read(edges[0]);
    await expect.poll(() => watched.total('GetOre', 'requests'), { timeout: 60_000 }).toBe(1);
    redis.thaw();

    await expect.poll(() => watched.frames.at(-1)?.partial, { timeout: 60_000 }).not.toBe(true);
  });
});
