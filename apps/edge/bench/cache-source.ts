// What the bench of coherence uses of the edge itself.
export { Floors } from '../src/cache/floors.js';
export { RedisEdges } from '../src/cache/redis-edges.js';
export { redisNames } from '../src/cache/redis-names.js';
export { Sight } from '../src/cache/sight.js';
export { createRedis } from '../src/redis.js';
