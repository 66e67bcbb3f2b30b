import { createHash } from 'node:crypto';
import { printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { startEdgesBehindRedis, untilKeepsNothing, type EdgesBehindRedis } from './edges-behind-redis.js';
import { KeepAliveClient, type PlainAnswer } from './keep-alive-client.js';
import { plainCacheAside } from './plain-cache-aside.js';
import { authorization } from './running-ores.js';
import { countStaleReads, type StaleReads, type VersionedCache } from './stale-reads.js';

const reads = sizeOf('CACHE_READS', { short: 3_000, long: 1_000_000 });
const readsWhileFrozen = sizeOf('CACHE_READS_WHILE_FROZEN', { short: 300, long: 30_000 });
/** Few records, so that reads often coincide with writes of the same record. */
const keys = sizeOf('CACHE_KEYS', { short: 10, long: 50 });
const random = seededRandom(printedSeed('honest cache'));
const shape = { readers: 40, writers: 6, keys, writerPauseMs: 20, random };

let running: EdgesBehindRedis;

beforeAll(async () => {
  running = await startEdgesBehindRedis();
});
afterEach(() => running.ores.setDelay(() => 0));
afterAll(() => running.stop());

/** The same numbers for the same seed, between 0 and 1. */
function seededRandom(seed: number): () => number {
  let drawn = 0;
  return () =>
    createHash('sha256')
      .update(`${seed} ${(drawn += 1)}`)
      .digest()
      .readUInt32BE() /
    2 ** 32;
}

/** Readers and writers of one tenant, spread over both edges. */
function throughEdges(tenantId: string, seen: (answer: PlainAnswer) => void) {
  const clients = Array.from({ length: shape.readers + shape.writers }, (_, index) => {
    return new KeepAliveClient(running.edges[index % 2]?.port ?? 0, authorization(tenantId));
  });
  const send = async (client: number, method: string, key: number, body = '') => {
    const answer = await clients[client]?.send(method, `/v1/ores/k${key}`, body);
    if (!answer) throw new Error('There is no such client.');
    seen(answer);
    return answer.status === 200 ? (JSON.parse(answer.body) as { version: number }).version : 0;
  };
  const cache: VersionedCache = {
    read: (reader, key) => send(reader, 'GET', key),
    write: (writer, key) => send(shape.readers + writer, 'PATCH', key, '{"name":"x"}'),
  };
  return { cache, close: () => clients.forEach((client) => client.close()) };
}

describe('two edges behind one Redis', () => {
  it('never answer a read with data older than an acknowledged write', { timeout: soakTimeoutMs }, async () => {
    running.ores.setDelay(() => random() * 5);
    let hits = 0;
    const { cache, close } = throughEdges('t1', ({ head }) => {
      if (head.includes('rapport; hit')) hits++;
    });
    const result = await countStaleReads(cache, { ...shape, isOver: (soFar) => soFar.reads >= reads });
    close();
    printTally('honest cache', { ...result, hits });

    expect(result).toMatchObject({ stale: 0, staleAtRest: 0 });
    expect(result.writes).toBeGreaterThan(0);
    // A cache that stores nothing would pass too.
    expect(hits).toBeGreaterThan(result.reads / 2);
  });

  it('are compared with a plain cache-aside, which does under the same load', { timeout: soakTimeoutMs }, async () => {
    running.ores.setDelay(() => random() * 5);
    for (let key = 0; key < shape.keys; key++) running.ores.writeBehind('t2', `k${key}`);
    const { close, ...cache } = await plainCacheAside(running.redis.url, running.ores, 't2');
    const isOver = (soFar: StaleReads) => soFar.stale > 0 || soFar.reads >= 1_000_000;
    const result = await countStaleReads(cache, { ...shape, isOver });
    close();
    printTally('plain cache-aside, until its first old answer', { ...result });

    expect(result.stale).toBeGreaterThan(0);
  });

  it(
    'serve no stale answer as fresh while Redis is frozen, and cache answers again after',
    { timeout: soakTimeoutMs },
    async () => {
      let phase: 'before' | 'lapsing' | 'frozen' | 'after' | 'over' = 'before';
      const hits = { before: 0, lapsing: 0, frozen: 0, after: 0, over: 0 };
      const answers = { before: 0, lapsing: 0, frozen: 0, after: 0, over: 0 };
      let failures = 0;
      const { cache, close } = throughEdges('t6', ({ status, head }) => {
        if (status >= 500) failures++;
        if (head.includes('rapport; hit')) hits[phase]++;
        answers[phase]++;
      });
      const stress = { ...shape, readerPauseMs: 100, writerPauseMs: 100, isOver: () => phase === 'over' };
      const stressing = countStaleReads(cache, stress);
      await vi.waitUntil(() => hits.before > 100, { timeout: 20_000 });
      phase = 'lapsing';
      running.redis.freeze();
      // Answers under a lease may be served until it ends.
      await Promise.all(running.edges.map(untilKeepsNothing));
      phase = 'frozen';
      await vi.waitUntil(() => answers.frozen >= readsWhileFrozen, { timeout: soakTimeoutMs });
      running.redis.thaw();
      phase = 'after';
      await vi.waitUntil(() => hits.after > 100, { timeout: 20_000 });
      phase = 'over';
      const result = await stressing;
      close();
      printTally('honest cache while Redis is frozen', { ...result, readsWhileFrozen: answers.frozen, failures });

      expect(result).toMatchObject({ stale: 0, staleAtRest: 0 });
      expect(failures).toBe(0);
      expect(hits.frozen).toBe(0);
    },
  );
});
