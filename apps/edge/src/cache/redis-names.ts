import { createHash } from 'node:crypto';

/** The keys and channels of the cache in Redis. Edges of two releases share them, so these names never change. */
export const redisNames = {
  /** Sorted set of the edges that hold a lease, by its end in Redis's milliseconds. Never expires: it must not be evicted. */
  leases: 'rapport:cache:leases',
  /** A nonce that every cached answer depends on: a new one invalidates them all. */
  generation: 'rapport:cache:generation',
  /** Channel of invalidations and of renewals of leases, in one order for every edge. */
  channel: 'rapport:cache:events',
  /** Channel on which an edge receives the acknowledgements of its invalidations. */
  acknowledgements: (edgeId: string) => `rapport:cache:done:${edgeId}`,
  /** The nonce of a tag. */
  tag: (tag: string) => `rapport:cache:floor:${tag}`,
  answer: (tenantId: string, key: string) =>
    `rapport:cache:answer:${tenantId}:${createHash('sha256').update(key).digest('base64url')}`,
} as const;

/** How long the nonce of a tag is kept: longer than any answer. One that goes earlier costs a miss. */
export const tagTtlMs = 3_600_000;
