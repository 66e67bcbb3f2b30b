import { areaOf, type Contract } from '@rapport/contracts';
import type { Logger } from '@rapport/platform';
import type { RedisLink } from '../redis/redis.js';
import type { ServiceClients } from '../calls/service-clients.js';
import { AnswerStore, InvalidationSources } from './answer-store.js';
import { ChangeFeed, feedPaths } from './change-feed.js';
import { ConsistencyTokens } from './consistency-tokens.js';
import { Invalidations } from './invalidations.js';
import { ReadCache } from './read-cache.js';
import { RedisAnswers } from './redis-answers.js';
import { RedisEdges } from './redis-edges.js';
import { TagVersions, tenantsWithChangesOf } from './tags.js';

/** Memory for answers when the configuration does not say, in bytes. */
const defaultMaxBytes = 64 * 1024 * 1024;

/** The parts of an edge's cache. */
export interface EdgeCache {
  answers: AnswerStore;
  reads: ReadCache;
  invalidations: Invalidations;
  tokens: ConsistencyTokens;
  /** By change log. Rejects while the log is silent: no cached answer counts as fresh then. */
  readinessChecks: Record<string, () => Promise<void>>;
  close(): Promise<void>;
}

export interface EdgeCacheOptions {
  /** Of memory for answers. */
  maxBytes?: number | undefined;
  /** The Redis that all edges share. Absent when this edge is the only one. */
  redis: RedisLink | undefined;
  /** Key that encrypts answers in Redis, 32 bytes. Without it, edges share no answers. */
  cacheKey?: Buffer | undefined;
  /** Where change logs are found and followed. */
  contract: Contract;
  clients: ServiceClients;
  logger: Logger;
  /** Called when the rights of principals may have changed: of one tenant, or of any. */
  onRightsChange?: (tenantId?: string) => void;
}

/** Puts the cache together. */
export function createEdgeCache(options: EdgeCacheOptions): EdgeCache {
  const { maxBytes = defaultMaxBytes, redis, cacheKey, contract, clients, logger, onRightsChange } = options;
  // A write to principals reaches all edges before it is acknowledged, as a write to cached records does.
  const versions = new TagVersions((tags) => {
    for (const tenantId of tenantsWithChangesOf('principal', tags)) onRightsChange?.(tenantId);
  });
  const invalidateOwn = (tags: readonly string[]) => versions.invalidate(tags);
  const onRegain = () => {
    reads.clear();
    onRightsChange?.();
  };
  const edges = redis && new RedisEdges(redis, logger, invalidateOwn, onRegain);
  const paths = feedPaths(contract);
  const areas = paths.map(areaOf);
  const sources = new InvalidationSources(edges?.lease, areas);
  const answers = new AnswerStore(maxBytes, sources);
  const reads = new ReadCache(answers, versions, redis && cacheKey && new RedisAnswers(redis, cacheKey, logger));
  // Redis goes first: else a load that begins now could still find an answer there.
  const invalidate = async (tags: readonly string[]) => {
    await edges?.voidTags(tags);
    versions.invalidate(tags);
  };
  const invalidateAll = async () => {
    await edges?.voidAll();
    reads.clear();
  };
  const feeds = paths.map((path) => {
    const target = { invalidate, invalidateAll, markCurrent: () => sources.markCurrent(areaOf(path)) };
    return new ChangeFeed(path, clients.for(path), target, logger);
  });
  const checkFeed = async (area: string) => {
    if (sources.isFeedSilent(area)) throw new Error('The change log is silent.');
  };
  return {
    answers,
    reads,
    invalidations: new Invalidations(versions, edges),
    tokens: new ConsistencyTokens(),
    readinessChecks: Object.fromEntries(areas.map((area) => [`${area}Changes`, () => checkFeed(area)])),
    close: async () => {
      await Promise.all(feeds.map((feed) => feed.close()));
      await edges?.close();
    },
  };
}
