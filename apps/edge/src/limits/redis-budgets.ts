import type { Caller } from '@rapport/platform';
import type { RedisLink } from '../redis/redis.js';
import { RedisScript } from '../redis/redis-script.js';
import { windowSeconds, type Charge, type Plan } from './plans.js';

/** Charges both budgets atomically: nothing is spent of one when the other refuses. */
const chargeBoth = new RedisScript(
  'charge',
  `
local cost, limits, used, passed = tonumber(ARGV[1]), { tonumber(ARGV[2]), tonumber(ARGV[3]) }, {}, 1
for i = 1, 2 do
  used[i] = tonumber(redis.call('GET', KEYS[i]) or '0')
  if used[i] + cost > limits[i] then passed = 0 end
end
local answer = { passed }
for i = 1, 2 do
  if passed == 1 then used[i] = redis.call('INCRBY', KEYS[i], cost) end
  local left = redis.call('PTTL', KEYS[i])
  if left < 0 then
    left = tonumber(ARGV[4])
    redis.call('PEXPIRE', KEYS[i], left)
  end
  answer[i * 2] = used[i]
  answer[i * 2 + 1] = left
end
return answer`,
);

/** The budgets of keys and tenants that all edges share: fixed windows that begin with the first charge. */
export class RedisBudgets {
  constructor(private readonly redis: RedisLink) {}

  /**
   * Takes `cost` from both budgets, or from none when one of them has too little left.
   *
   * @throws RedisUnavailable within some hundred milliseconds, or what Redis answered instead
   */
  async charge({ principalId, tenantId }: Caller, plan: Plan, cost: number): Promise<Charge> {
    // The hash tags do not make Redis Cluster usable: the scripts of the cache use keys of several slots.
    const keys = [`rate:{${tenantId}}:${principalId}`, `rate:{${tenantId}}`];
    const answer = await run(this.redis, keys, [plan.keyUnits, plan.tenantUnits], cost);
    const [passed = 0, keyUsed = 0, keyResetMs = 0, tenantUsed = 0, tenantResetMs = 0] = answer;
    return {
      plan,
      passed: passed === 1,
      keyLeft: Math.max(0, plan.keyUnits - keyUsed),
      keyResetMs,
      tenantLeft: Math.max(0, plan.tenantUnits - tenantUsed),
      tenantResetMs,
    };
  }
}

/** The outcome of a charge of two budgets. */
export interface PairCharge {
  /** False: nothing was spent. */
  passed: boolean;
  /** Until each budget is whole again, in milliseconds; 0 for one that has enough. */
  resetMs: number[];
}

/**
 * Charges any two budgets of all edges.
 *
 * @param keys of Redis
 * @param limits units a minute
 * @throws what `RedisBudgets.charge` throws
 */
export async function chargePair(
  redis: RedisLink,
  keys: readonly [string, string],
  limits: readonly [number, number],
  cost: number,
): Promise<PairCharge> {
  const [passed = 0, ...counts] = await run(redis, keys, limits, cost);
  const resetMs = limits.map((limit, index) =>
    (counts[2 * index] ?? 0) + cost > limit ? (counts[2 * index + 1] ?? 0) : 0,
  );
  return { passed: passed === 1, resetMs };
}

async function run(
  redis: RedisLink,
  keys: readonly string[],
  limits: readonly number[],
  cost: number,
): Promise<number[]> {
  const values = [cost, ...limits, windowSeconds * 1_000].map(String);
  return (await chargeBoth.run(redis, [...keys], values)) as number[];
}
