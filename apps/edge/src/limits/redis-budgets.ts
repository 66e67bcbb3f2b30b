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
    const values = [cost, plan.keyUnits, plan.tenantUnits, windowSeconds * 1_000].map(String);
    const answer = (await chargeBoth.run(this.redis, keys, values)) as number[];
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
