// The parts of the edge that coherence.ts measures.
export { InvalidationSources } from '../src/cache/answer-store.js';
export { RedisEdges } from '../src/cache/redis-edges.js';
export { redisNames } from '../src/cache/redis-names.js';
export { TagVersions } from '../src/cache/tags.js';
export { createRedis } from '../src/redis/redis.js';
