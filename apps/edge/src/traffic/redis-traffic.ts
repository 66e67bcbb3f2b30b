import { TrafficFrame, type OperationTraffic } from '@rapport/contracts/rapport/edge/v1/traffic_service';
import type { RedisLink } from '../redis/redis.js';
import { clockOfRedis, RedisScript } from '../redis/redis-script.js';

/** Edges of two releases share these names. The number changes with the latency buckets. */
const watchedKey = 'rapport:traffic:1:watched';
const figuresKey = 'rapport:traffic:1:figures:';

/** Length of a slot, in milliseconds: all edges give their figures of a second into one. */
export const slotMs = 1_000;

/**
 * Announces the tenants that are watched here, gives this edge's figures into the current slot, and reads the slots that have ended
 * since the last exchange. A slot never changes once it has ended, because Redis's own clock chooses it: so each figure is read
 * once by each watcher.
 */
const exchange = new RedisScript(
  'traffic',
  `${clockOfRedis}
  local slot = math.floor(now / ${slotMs})
  local last, watchedHere = tonumber(ARGV[1]), tonumber(ARGV[2])
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
  for i = 3, 2 + watchedHere do redis.call('ZADD', KEYS[1], now + 5000, ARGV[i]) end
  redis.call('PEXPIRE', KEYS[1], 10000)
  for i = 3 + watchedHere, #ARGV, 2 do
    local key = KEYS[2] .. ARGV[i] .. ':' .. slot
    redis.call('RPUSH', key, ARGV[i + 1])
    redis.call('PEXPIRE', key, 10000)
  end
  local first = math.max(last + 1, slot - 5)
  if last < 0 then first = slot end
  local figures = {}
  for i = 3, 2 + watchedHere do
    local ofTenant = {}
    for s = first, slot - 1 do
      for _, each in ipairs(redis.call('LRANGE', KEYS[2] .. ARGV[i] .. ':' .. s, 0, -1)) do table.insert(ofTenant, each) end
    end
    table.insert(figures, ofTenant)
  end
  return { now, slot, slot - first, redis.call('ZRANGE', KEYS[1], 0, 999), figures }`,
);

/** The slots that an exchange with Redis has read. */
export interface Exchanged {
  /** Redis's clock, in milliseconds since the epoch. */
  nowMs: number;
  /** Number of slots that have ended since the last exchange: 0 when this one came early. */
  slots: number;
  /** Tenants that are watched at any edge, 1,000 at most. */
  watched: string[];
  /** Of the tenants that are watched here, by tenant: figures of all edges. */
  figures: Map<string, OperationTraffic[]>;
}

/** Adds up the figures of all edges. */
export class RedisTraffic {
  /** The last slot that was read; -1 before the first exchange, and after a failed one. */
  #last = -1;

  constructor(private readonly redis: RedisLink) {}

  /**
   * @param watchedHere tenants
   * @param own figures of this edge, by tenant
   * @throws RedisUnavailable, or the error that Redis answered: whether it took the figures is unknown
   */
  async exchange(
    watchedHere: readonly string[],
    own: ReadonlyMap<string, readonly OperationTraffic[]>,
  ): Promise<Exchanged> {
    const given = [...own].flatMap(([tenantId, operations]) => [tenantId, encode(operations)]);
    const values = [String(this.#last), String(watchedHere.length), ...watchedHere, ...given];
    this.#last = -1;
    const [nowMs, slot, slots, watched, figures] = (await exchange.run(
      this.redis,
      [watchedKey, figuresKey],
      values,
    )) as [number, number, number, Buffer[], Buffer[][]];
    this.#last = slot - 1;
    return {
      nowMs,
      slots,
      watched: watched.map(String),
      figures: new Map(watchedHere.map((tenantId, index) => [tenantId, (figures[index] ?? []).flatMap(decode)])),
    };
  }
}

function encode(operations: readonly OperationTraffic[]): Buffer {
  return Buffer.from(TrafficFrame.encode(TrafficFrame.fromPartial({ operations: [...operations] })).finish());
}

function decode(frame: Buffer): OperationTraffic[] {
  return TrafficFrame.decode(frame).operations;
}
