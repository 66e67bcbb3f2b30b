import { randomUUID } from 'node:crypto';
import { startPlatform, type Platform, type Tenant } from '@rapport/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { untilRefused } from './until-refused.ts';

/** The edge's default deadline of a service call. */
const serviceDeadlineMs = 10_000;
const failedAuthentications = 200;
/** Longer than any machine takes, so that only a hang is a fault. In milliseconds. */
const patienceMs = 60_000;

const plans = {
  standard: { keyUnits: 1e6, tenantUnits: 1e6, places: { interactive: 1_000, bulk: 2, feed: 2 } },
  small: { keyUnits: 100, tenantUnits: 150 },
  medium: { keyUnits: 440, tenantUnits: 600 },
  narrow: { places: { interactive: 4, bulk: 1, feed: 1 } },
};
const places = { interactive: 160, bulk: 3, feed: 3 };

let platform: Platform;

beforeAll(async () => {
  // A separate platform with low limits, whose service and Redis are frozen.
  platform = await startPlatform({
    edges: 2,
    edgeEnv: {
      RATE_PLANS: JSON.stringify(plans),
      PLACES: JSON.stringify(places),
      EDGE_COUNT: '4',
      FAILED_AUTHENTICATIONS_PER_MINUTE: String(failedAuthentications),
    },
  });
}, 120_000);

afterEach(() => {
  platform.redis?.thaw();
  signalCustomers('SIGCONT');
});

afterAll(() => platform.stop());

describe('the rate', () => {
  it('is exact for 1,000 requests at the same time to two edges', async () => {
    const tenant = await platform.createTenant('Acme', 'small');

    const answers = await sendMany(1_000, tenant, 'GET', '/v1/tenant');

    expect(tally(answers)).toEqual({ 200: 100, 429: 900 });
    expect(await codesOf(answers)).toEqual(new Set(['RATE_LIMITED']));
  });

  it('is as exact for cached answers', async () => {
    const tenant = await platform.createTenant('Acme', 'small');
    const { id } = (await (await createCustomer(tenant)).json()) as { id: string };
    // A creation costs 5, and each edge reads once.
    for (const edge of [0, 1]) expect((await send(tenant, 'GET', `/v1/customers/${id}`, { edge })).status).toBe(200);

    const answers = await sendMany(1_000, tenant, 'GET', `/v1/customers/${id}`);

    expect(tally(answers)).toEqual({ 200: 93, 429: 907 });
    expect(await codesOf(answers)).toEqual(new Set(['RATE_LIMITED']));
  });

  it('charges the cost of an operation in the contract, and nothing for a refusal', async () => {
    const tenant = await platform.createTenant('Acme', 'small');

    const [first, second, third, fourth, fifth] = [
      await send(tenant, 'GET', '/v1/tenant'),
      await send(tenant, 'GET', '/v1/tenant', { edge: 1 }),
      await send(tenant, 'HEAD', '/v1/tenant'),
      await send(tenant, 'POST', '/v1/customers:batchCreate', { body: { requests: [] } }),
      await createCustomer(tenant, { edge: 1 }),
    ];

    const left = leftIn(first);
    expect(left).toBe(99);
    expect(leftIn(second)).toBe(left - 1);
    expect(leftIn(third)).toBe(left - 2);
    expect([fourth.status, leftIn(fourth)]).toEqual([429, left - 2]);
    expect([fifth.status, leftIn(fifth)]).toEqual([201, left - 7]);
  });

  it('is in the headers of every answer, and a refusal has a reason and Retry-After', async () => {
    const tenant = await platform.createTenant('Acme', 'small');
    const before = Date.now();
    const passed = await send(tenant, 'GET', '/v1/tenant');
    await sendMany(100, tenant, 'GET', '/v1/tenant');

    const refused = await send(tenant, 'GET', '/v1/tenant');

    expect(await passed.json()).toMatchObject({ plan: 'small' });
    for (const { headers } of [passed, refused]) {
      expect(headers.get('ratelimit-policy')).toBe('"key";q=100;w=60, "tenant";q=150;w=60');
      expect(headers.get('ratelimit')).toMatch(/^"key";r=\d+;t=\d+, "tenant";r=\d+;t=\d+$/);
    }
    const retryAfter = Number(refused.headers.get('retry-after'));
    expect(retryAfter).toBeLessThanOrEqual(60);
    expect(before + 60_000).toBeLessThanOrEqual(Date.now() + retryAfter * 1_000);
    expect(await refused.json()).toMatchObject({
      status: 429,
      code: 'RATE_LIMITED',
      retryAfterSeconds: retryAfter,
      metadata: { budget: 'key', cost: '1' },
    });
  });

  it('of an unknown plan is that of the standard plan', async () => {
    const tenant = await platform.createTenant('Acme', 'retired');

    const answer = await send(tenant, 'GET', '/v1/tenant');

    expect(answer.headers.get('ratelimit-policy')).toBe('"key";q=1000000;w=60, "tenant";q=1000000;w=60');
  });

  it('is a part of the plan while Redis is frozen, without an error, and the whole afterwards', async () => {
    const tenant = await platform.createTenant('Acme', 'medium');
    await send(tenant, 'GET', '/v1/tenant');
    platform.redis?.freeze();

    const answers = await sendMany(300, tenant, 'GET', '/v1/tenant');

    // A quarter of 440 for each of two edges.
    expect(tally(answers)).toEqual({ 200: 220, 429: 80 });
    platform.redis?.thaw();
    const isWhole = async (edge: number) =>
      (await send(tenant, 'GET', '/v1/tenant', { edge })).headers.get('ratelimit-policy')?.startsWith('"key";q=440;');
    const areWhole = async () => (await isWhole(0)) === true && (await isWhole(1)) === true;
    await vi.waitUntil(areWhole, { timeout: patienceMs });
  });
});

describe('while a service is frozen', () => {
  it('bulk work uses no place of interactive work', async () => {
    const [one, other] = await newTenants();
    const body = { items: [{ customer: { kind: 'PERSON', displayName: 'Ada' } }] };
    const batches = (tenant: Tenant, count: number) =>
      Array.from({ length: count }, () => send(tenant, 'POST', '/v1/customers:batchCreate', { body }));
    signalCustomers('SIGSTOP');

    const held = await holding(batches(one, 4), 2);
    const heldToo = await holding(batches(other, 4), 1);

    expect(held.refused).toHaveLength(2);
    for (const refusal of held.refused) expect(refusal).toMatchObject({ status: 429, code: 'TOO_MANY_CONCURRENT' });
    for (const refusal of heldToo.refused) expect(refusal).toMatchObject({ status: 503, code: 'OVERLOADED' });
    expect((await send(one, 'GET', '/v1/tenant')).status).toBe(200);
    signalCustomers('SIGCONT');
    expect(tally(await held.answers())).toEqual({ 200: 2 });
    expect(tally(await heldToo.answers())).toEqual({ 200: 1 });
  });

  it('a client that disconnects releases its place, once', async () => {
    const tenant = await platform.createTenant('Acme', 'narrow');
    await send(tenant, 'GET', '/v1/tenant');
    const createAll = (count: number, signal?: AbortSignal) =>
      Array.from({ length: count }, () => createCustomer(tenant, signal && { signal }));

    for (let round = 0; round < 3; round += 1) {
      signalCustomers('SIGSTOP');
      const gone = new AbortController();
      const held = await holding(createAll(9, gone.signal), 4);
      for (const refusal of held.refused) expect(refusal).toMatchObject({ code: 'TOO_MANY_CONCURRENT' });
      gone.abort();
      await held.answers();
      signalCustomers('SIGCONT');
      const allAreBack = async () => (await Promise.all(createAll(4))).every(({ status }) => status === 201);
      await vi.waitUntil(allAreBack, { timeout: patienceMs });
    }
  });

  it('requests without a place are refused at once, and requests without a service are answered', async () => {
    const [one, other] = await newTenants();
    const createAll = (tenant: Tenant, count: number) => Array.from({ length: count }, () => createCustomer(tenant));
    signalCustomers('SIGSTOP');
    // Three quarters of all places at most are for one tenant.
    const held = await holding(createAll(one, 130), 120);
    const heldToo = await holding(createAll(other, 50), 40);
    for (let count = 0; count < 5; count += 1) {
      const answer = await createCustomer(other);
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
      expect(await answer.json()).toMatchObject({ code: 'OVERLOADED', retryAfterSeconds: 1 });
    }

    // All of this happens before the requests with a place reach their deadline.
    expect([held.answered(), heldToo.answered()]).toEqual([0, 0]);
    expect((await send(other, 'GET', '/v1/tenant')).status).toBe(200);
    for (const path of ['/livez', '/docs', '/openapi.json']) {
      expect((await fetch(`${platform.edgeUrl}${path}`)).status).toBe(200);
    }
    signalCustomers('SIGCONT');
    expect(tally([...(await held.answers()), ...(await heldToo.answers())])).toEqual({ 201: 160 });
  });

  it('its limit falls before any request reaches its deadline, and that of another service does not', async () => {
    const tenant = await platform.createTenant('Acme');
    const { id } = (await (await createCustomer(tenant)).json()) as { id: string };
    // The change of the creation also reaches the edge by the log, and invalidates the cached answer again.
    let hits = 0;
    const isKeptForGood = async () => {
      const { headers } = await send(tenant, 'GET', `/v1/customers/${id}`);
      hits = headers.get('cache-status')?.includes('; hit') ? hits + 1 : 0;
      return hits >= 20;
    };
    await vi.waitUntil(isKeptForGood, { interval: 50, timeout: patienceMs });
    signalCustomers('SIGSTOP');
    const held = Promise.all(Array.from({ length: 20 }, () => createCustomer(tenant)));

    // A client with a place waits, and releases it by disconnecting.
    const isRefused = async () => {
      const read = send(tenant, 'GET', `/v1/customers/${randomUUID()}`, { signal: AbortSignal.timeout(500) });
      return (await read.catch(() => undefined))?.status === 503;
    };
    const becameFewer = vi.waitUntil(isRefused, { timeout: serviceDeadlineMs * 2, interval: 50 });

    expect(await Promise.race([held.then(() => 'the deadline came first'), becameFewer])).toBe(true);
    expect((await send(tenant, 'GET', '/v1/tenant')).status).toBe(200);
    // The change log is silent, so cached answers are stale, but still served.
    expect((await send(tenant, 'GET', `/v1/customers/${id}`)).status).toBe(200);
    signalCustomers('SIGCONT');
    await held;
    await vi.waitUntil(async () => (await createCustomer(tenant)).status === 201, { timeout: patienceMs });
  });
});

describe('a key', () => {
  it('that was revoked stops working, however busy it is', async () => {
    const tenant = await platform.createTenant('Acme');
    const body = { displayName: 'busy', permissions: ['tenant.read'] };
    const made = await (await send(tenant, 'POST', '/v1/apiKeys', { body })).json();
    const { id, key } = made as { id: string; key: string };
    const ask = async () => (await send({ ...tenant, apiKey: key }, 'GET', '/v1/tenant')).status;
    expect(await ask()).toBe(200);

    expect((await send(tenant, 'POST', `/v1/apiKeys/${id}:revoke`)).status).toBe(200);

    await untilRefused(ask);
  });
});

// Last, because afterwards the second edge accepts no new key from this address for a minute.
describe('guessing keys', () => {
  it('ends after too many wrong ones, and valid ones in use still work', async () => {
    const tenant = await platform.createTenant('Acme');
    expect((await send(tenant, 'GET', '/v1/tenant', { edge: 1 })).status).toBe(200);
    // A new key in many concurrent requests counts as one guess.
    const newKey = await platform.createTenant('Acme', 'small');
    const many = Array.from({ length: failedAuthentications * 2 }, () =>
      send(newKey, 'GET', '/v1/tenant', { edge: 1 }),
    );
    expect(await codesOf(await Promise.all(many))).toEqual(new Set(['RATE_LIMITED']));
    const guess = (n: number) => send({ ...tenant, apiKey: `rpt_live_${n}` }, 'GET', '/v1/tenant', { edge: 1 });

    const answers = await Promise.all(Array.from({ length: failedAuthentications * 2 }, (_, n) => guess(n)));

    expect(tally(answers)).toEqual({ 401: failedAuthentications, 429: failedAuthentications });
    expect((await send(tenant, 'GET', '/v1/tenant', { edge: 1 })).status).toBe(200);
  });
});

interface Sent {
  edge?: number;
  body?: unknown;
  signal?: AbortSignal;
}

function send(
  { apiKey }: Tenant,
  method: string,
  path: string,
  { edge = 0, body, signal }: Sent = {},
): Promise<Response> {
  return fetch(`${platform.edgeUrls[edge] ?? ''}${path}`, {
    method,
    headers: { authorization: `Bearer ${apiKey}`, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
    ...(signal ? { signal } : {}),
  });
}

/** To both edges in turn, all at the same time. */
function sendMany(count: number, tenant: Tenant, method: string, path: string): Promise<Response[]> {
  return Promise.all(Array.from({ length: count }, (_, n) => send(tenant, method, path, { edge: n % 2 })));
}

function createCustomer(tenant: Tenant, sent: Sent = {}): Promise<Response> {
  return send(tenant, 'POST', '/v1/customers', { ...sent, body: { kind: 'PERSON', displayName: 'Ada' } });
}

/** Two tenants whose keys the edge has cached. */
async function newTenants(): Promise<[Tenant, Tenant]> {
  const tenants: [Tenant, Tenant] = [await platform.createTenant('One'), await platform.createTenant('Other')];
  for (const tenant of tenants) expect((await send(tenant, 'GET', '/v1/tenant')).status).toBe(200);
  return tenants;
}

/** Waits until all calls but `count` are answered. @returns their answers, and a function that awaits the others */
async function holding(
  calls: Promise<Response>[],
  count: number,
): Promise<{ refused: unknown[]; answered: () => number; answers: () => Promise<Response[]> }> {
  const refused: unknown[] = [];
  let answered = 0;
  const others = calls.map(async (call) => {
    const answer = await call.catch(() => undefined);
    if (answer?.status !== 429 && answer?.status !== 503) {
      answered += 1;
      return answer;
    }
    refused.push(await answer.json());
    return undefined;
  });
  await vi.waitUntil(() => refused.length === calls.length - count, { timeout: patienceMs });
  const answers = async () => (await Promise.all(others)).filter((answer) => answer !== undefined);
  return { refused, answered: () => answered, answers };
}

function tally(answers: Response[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

async function codesOf(answers: Response[]): Promise<Set<string>> {
  const problems = answers.filter(({ ok }) => !ok).map(async (answer) => (await answer.json()) as { code: string });
  return new Set((await Promise.all(problems)).map(({ code }) => code));
}

function leftIn({ headers }: Response): number {
  return Number(/"key";r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]);
}

function signalCustomers(signal: 'SIGSTOP' | 'SIGCONT'): void {
  const { pid } = platform.services.customers;
  if (pid !== undefined) process.kill(pid, signal);
}
