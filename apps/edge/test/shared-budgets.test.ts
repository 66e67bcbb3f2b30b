import { createLogger, metrics } from '@rapport/platform';
import { freePort, startRedis, type Redis } from '@rapport/testing';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Principal } from '../src/access/authenticator.js';
import { defaultLimitSettings } from '../src/limits/limit-settings.js';
import { Limits } from '../src/limits/limits.js';
import { Plans } from '../src/limits/plans.js';
import { RateLimited } from '../src/limits/rate-limits.js';
import { createRedis, type RedisLink } from '../src/redis/redis.js';

const logger = createLogger('test', 'silent');
const places = { interactive: 1, bulk: 1, feed: 1 };
const plans = new Map([
  ['standard', { keyUnits: 100, tenantUnits: 150, places }],
  ['large', { keyUnits: 1_000_000, tenantUnits: 1_000_000, places }],
]);
const settings = { ...defaultLimitSettings(), plans, edges: 4 };

let redis: Redis;
let links: RedisLink[];
/** Two edges. */
let edges: Limits[];
let tenants = 0;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => redis.stop());

beforeEach(async () => {
  links = await Promise.all([createRedis(redis.url, logger), createRedis(redis.url, logger)]);
  edges = links.map((link) => new Limits(settings, link, logger, 1));
});
afterEach(() => {
  redis.thaw();
  for (const each of [...edges, ...links]) each.close();
});

function newTenant(plan = 'standard'): (key: string) => Principal {
  const tenantId = `tenant-${(tenants += 1)}`;
  return (key) => ({
    caller: { tenantId, principalId: `${tenantId}:${key}`, permissions: [] },
    token: '',
    plan: new Plans(plans, logger).of(plan),
    rights: '',
    origins: [],
  });
}

/** Concurrent charges, by all edges in turn. */
async function chargeAll(
  principal: Principal,
  count: number,
  cost = 1,
): Promise<{ passed: number; refused: RateLimited[] }> {
  const charges = Array.from({ length: count }, (_, n) => charge(edges[n % edges.length], principal, cost));
  const results = await Promise.all(charges);
  const refused = results.filter((result) => result instanceof RateLimited);
  return { passed: count - refused.length, refused };
}

async function charge(limits: Limits | undefined, principal: Principal, cost = 1): Promise<unknown> {
  try {
    return await limits?.rates.charge(principal, cost);
  } catch (error) {
    if (error instanceof RateLimited) return error;
    throw error;
  }
}

function leftOf(result: unknown): string | undefined {
  const { ratelimit } = (result instanceof RateLimited ? result.headers : result) as { ratelimit: string };
  return /^"key";r=(\d+);t=\d+, "tenant";r=(\d+);t=\d+$/.exec(ratelimit)?.slice(1).join(' of ');
}

describe('two edges', () => {
  it('pass exactly 100 of 1,000 charges at the same time when the limit is 100', async () => {
    const { passed, refused } = await chargeAll(newTenant()('a'), 1_000);

    expect(passed).toBe(100);
    expect(refused).toHaveLength(900);
    // A reported value, not a measured time.
    for (const { retryAfterSeconds } of refused) expect(retryAfterSeconds).toBeGreaterThan(0);
  });

  it('pass exactly 10 that cost 10 each', async () => {
    expect((await chargeAll(newTenant()('a'), 200, 10)).passed).toBe(10);
  });

  it('spend nothing of either budget for a refusal', async () => {
    const tenant = newTenant();
    await chargeAll(tenant('a'), 99);

    expect((await chargeAll(tenant('a'), 50, 2)).passed).toBe(0);
    expect(leftOf(await charge(edges[0], tenant('a')))).toBe('0 of 50');
    expect((await chargeAll(tenant('b'), 10, 51)).passed).toBe(0);
    expect(leftOf(await charge(edges[1], tenant('b'), 50))).toBe('50 of 0');
  });

  it('limit the keys of a tenant together, and no other tenant', async () => {
    const tenant = newTenant();

    expect((await chargeAll(tenant('a'), 200)).passed).toBe(100);
    expect((await chargeAll(tenant('b'), 200)).passed).toBe(50);
    expect((await chargeAll(newTenant()('a'), 200)).passed).toBe(100);
  });

  it('refuse a cost above the limit, with the reset of the budget', async () => {
    const refusal = await charge(edges[0], newTenant()('a'), 101);

    expect(refusal).toBeInstanceOf(RateLimited);
    expect(refusal).toMatchObject({ retryAfterSeconds: 60, metadata: { budget: 'key', cost: '101' } });
  });
});

/** The server answers again, and both links have noticed. */
async function untilBack(): Promise<void> {
  redis.thaw();
  await vi.waitUntil(() => links.every((link) => link.answers), { timeout: 20_000 });
}

describe('while Redis is frozen', () => {
  it('each edge grants its part of the rate, without a wait after the first, and the whole again afterwards', async () => {
    const tenant = newTenant();
    const lost = vi.fn();
    for (const { client } of links) client.on('reconnecting', lost);
    redis.freeze();
    const first = await chargeAll(tenant('a'), 1_000);
    // They rejected long before a connection counts as dead.
    expect(lost).not.toHaveBeenCalled();
    expect(links.map((link) => link.answers)).toEqual([false, false]);
    const later = await Promise.race([
      chargeAll(tenant('b'), 1_000),
      new Promise<undefined>((resolve) => void setImmediate(resolve, undefined)),
    ]);

    // A quarter of 100 for each of the two edges; the other key finds a quarter of the tenant's 150, less what is spent.
    expect(first.passed).toBe(50);
    expect(later?.passed).toBe(24);
    expect(await metrics.metrics()).toMatch(/^rapport_rate_fallback_in_use 1$/m);

    await untilBack();
    expect((await chargeAll(newTenant()('a'), 1_000)).passed).toBe(100);
    expect(await metrics.metrics()).toMatch(/^rapport_rate_fallback_in_use 0$/m);
  });

  it('long enough to lose every connection, reconnects are tried four times a second until it recovers', async () => {
    const lost = vi.fn();
    links[0]?.client.on('reconnecting', lost);
    redis.freeze();
    await vi.waitUntil(() => lost.mock.calls.length > 1, { timeout: 15_000 });
    expect((await chargeAll(newTenant()('a'), 100)).passed).toBe(50);

    await untilBack();
    expect((await chargeAll(newTenant()('a'), 1_000)).passed).toBe(100);
    const pauseMs = links[0]?.client.options.socket?.reconnectStrategy;
    if (typeof pauseMs !== 'function') throw new Error('The client has a strategy of its own.');
    // A reported value, not a measured time.
    for (const attempts of [0, 1, 10, 1e6]) expect(pauseMs(attempts, new Error())).toBeLessThanOrEqual(250);
  });
});

describe('without Redis', () => {
  const warnings: string[] = [];
  let link: RedisLink;

  beforeAll(async () => {
    const listening = pino({ level: 'warn' }, { write: (line) => void warnings.push(line) });
    link = await createRedis(`redis://default:none@127.0.0.1:${await freePort()}`, listening);
  });
  afterAll(() => link.close());

  it('an edge starts and grants its part', async () => {
    const limits = new Limits(settings, link, logger, 1);
    const principal = newTenant()('a');
    const charges = await Promise.all(Array.from({ length: 100 }, () => charge(limits, principal)));
    limits.close();

    expect(charges.filter((result) => !(result instanceof RateLimited))).toHaveLength(25);
    expect(charges[0]).toMatchObject({ 'ratelimit-policy': '"key";q=25;w=60, "tenant";q=37;w=60' });
  });

  it('an edge grants the most expensive operation once when its part is less, and no more', async () => {
    const limits = new Limits(settings, link, logger, 90);
    const principal = newTenant()('a');

    expect(await charge(limits, principal, 90)).toMatchObject({
      'ratelimit-policy': '"key";q=90;w=60, "tenant";q=90;w=60',
    });
    expect(await charge(limits, principal, 1)).toBeInstanceOf(RateLimited);
    limits.close();
  });

  it('the outage is logged once, however many attempts fail', async () => {
    const failed = vi.fn();
    link.client.on('error', failed);
    await vi.waitUntil(() => failed.mock.calls.length > 3, { timeout: 15_000 });

    expect(warnings).toHaveLength(1);
  });

  it('an error of Redis is no refusal', async () => {
    const principal = newTenant('large')('a');
    const { tenantId, principalId } = principal.caller;
    await links[0]?.client.set(`rate:{${tenantId}}:${principalId}`, 'no number');

    expect(await charge(edges[0], principal)).toMatchObject({
      ratelimit: expect.stringContaining('r=249999') as string,
    });
  });
});
