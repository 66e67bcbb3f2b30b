import { createHash } from 'node:crypto';

/** The keys and channels of the cache in Redis. */
export const redisNames = {
  /** Sorted set of the edges that hold a lease, by its end in Redis's milliseconds. Never expires: it must not be evicted. */
  leases: 'rapport:cache:leases',
  /** A nonce under every kept answer: a new one ends them all. */
  generation: 'rapport:cache:generation',
  /** Where invalidations and signs of life go, in one order for every edge. */
  channel: 'rapport:cache:events',
  /** Where an edge hears that others have done what it told them. */
  acknowledgements: (edgeId: string) => `rapport:cache:done:${edgeId}`,
  /** The nonce of a floor. */
  floor: (name: string) => `rapport:cache:floor:${name}`,
  answer: (tenantId: string, key: string) =>
    `rapport:cache:answer:${tenantId}:${createHash('sha256').update(key).digest('base64url')}`,
} as const;

/** How long a floor is kept: longer than any answer. One that goes earlier costs a miss. */
export const floorTtlMs = 3_600_000;
