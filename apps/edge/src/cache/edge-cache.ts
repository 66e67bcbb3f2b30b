import { areaOf, type Contract } from '@rapport/contracts';
import type { Logger } from '@rapport/platform';
import type { RedisLink } from '../redis.js';
import type { ServiceClients } from '../service-clients.js';
import { ChangeFeed, feedPaths } from './change-feed.js';
import { Charges } from './charges.js';
import { ConsistencyTokens } from './consistency-tokens.js';
import { Floors } from './floors.js';
import { Invalidations } from './invalidations.js';
import { ReadCache } from './read-cache.js';
import { RedisAnswers } from './redis-answers.js';
import { RedisEdges } from './redis-edges.js';
import { Sight, type FeedState } from './sight.js';
import { tenantsWithChangesOf } from './tags.js';

/** Memory for answers of a process that is told nothing, in bytes. */
const defaultMaxBytes = 64 * 1024 * 1024;

/** The parts of an edge's cache. */
export interface EdgeCache {
  reads: ReadCache;
  invalidations: Invalidations;
  tokens: ConsistencyTokens;
  charges: Charges;
  /** By the change log, rejects while it was not heard of lately: nothing kept is given as fresh then. */
  readinessChecks: Record<string, () => Promise<void>>;
  close(): Promise<void>;
}

export interface EdgeCacheOptions {
  /** Of memory for answers. */
  maxBytes?: number | undefined;
  /** The Redis that all edges share. Absent when this edge is the only one. */
  redis: RedisLink | undefined;
  /** What answers in Redis are encrypted with, 32 bytes. Without it edges share none. */
  cacheKey?: Buffer | undefined;
  /** Where change logs are found and followed. */
  contract: Contract;
  clients: ServiceClients;
  logger: Logger;
  /** Called when the rights of principals may have changed: of one tenant, or of any. */
  onRightsChange?: (tenantId?: string) => void;
}

/** Puts the cache together. */
export function createEdgeCache({
  maxBytes = defaultMaxBytes,
  redis,
  cacheKey,
  ...options
}: EdgeCacheOptions): EdgeCache {
  const { contract, clients, logger, onRightsChange } = options;
  // A write to principals reaches all edges as one to kept records does, before it is acknowledged to its writer.
  const floors = new Floors((names) => {
    for (const tenantId of tenantsWithChangesOf('principal', names)) onRightsChange?.(tenantId);
  });
  const clear = () => reads.clear();
  const regained = () => {
    clear();
    onRightsChange?.();
  };
  const edges = redis && new RedisEdges(redis, logger, (names) => floors.raise(names), regained);
  const feeds = new Map<string, ChangeFeed>();
  const sight = new Sight(edges?.lease, feeds);
  const answers = redis && cacheKey && new RedisAnswers(redis, cacheKey, logger);
  const reads = new ReadCache(maxBytes, floors, sight, answers);
  const endFromLog = async (names: readonly string[]) => {
    await edges?.raiseQuietly(names);
    floors.raise(names);
  };
  // What Redis has goes first: else a load that begins now could still find it there.
  const endAllFromLog = async () => {
    await edges?.raiseAllQuietly();
    clear();
  };
  for (const path of feedPaths(contract)) {
    feeds.set(
      areaOf(path),
      new ChangeFeed(path, clients.for(path), { end: endFromLog, endAll: endAllFromLog }, logger),
    );
  }
  return {
    reads,
    invalidations: new Invalidations(floors, edges),
    tokens: new ConsistencyTokens(),
    charges: new Charges(),
    readinessChecks: Object.fromEntries([...feeds].map(([area, feed]) => [`${area}Changes`, () => heard(feed)])),
    close: async () => {
      await Promise.all([...feeds.values()].map((feed) => feed.close()));
      await edges?.close();
    },
  };
}

async function heard(feed: FeedState): Promise<void> {
  if (!feed.isFresh) throw new Error('The change log is behind.');
}
