import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { figures } from '../src/limits/limit-metrics.js';
import { defaultLimitSettings } from '../src/limits/limit-settings.js';
import { ask, ordinary } from './ask.js';
import { authorization, startOres, type RunningEdge, type RunningOres } from './running-ores.js';

const plan = { keyUnits: 1e6, tenantUnits: 1e6, places: { interactive: 10, bulk: 1, feed: 1 } };
const plans = new Map(['standard', 'unlimited'].map((name) => [name, plan]));
const limits = {
  ...defaultLimitSettings(),
  plans: plans.set('poor', { ...plan, keyUnits: 5 }),
  places: { interactive: 1, bulk: 1, feed: 1 },
  slowCallMs: 60_000,
};

let ores: RunningOres;
/** An edge with one place. */
let edge: RunningEdge;

beforeAll(async () => {
  ores = await startOres();
  edge = await ores.startEdge({ limits });
});
afterEach(() => ores.setDelay(() => 0));
afterAll(() => ores.stop());

/** Reads pass the router. */
function send(path: string, { method = 'GET', headers = {} } = {}) {
  return ask(`${edge.url}${path}`, {
    method,
    headers: { authorization: authorization('t1'), ...(method === 'GET' && ordinary), ...headers },
    ...(method === 'GET' ? {} : { body: '{"name":"x"}' }),
  });
}

/** Starts a read that the service does not answer. @returns a function that disconnects its client */
async function takePlace(path: string): Promise<() => void> {
  const calls = ores.calls.get('getOre') ?? 0;
  ores.setDelay(() => new Promise(() => undefined));
  const gone = new AbortController();
  const headers = { authorization: authorization('t1') };
  const ended = expect(fetch(`${edge.url}${path}`, { headers, signal: gone.signal })).rejects.toThrow();
  onTestFinished(() => {
    gone.abort();
    return ended;
  });
  await expect.poll(() => ores.calls.get('getOre')).toBe(calls + 1);
  ores.setDelay(() => 0);
  return () => gone.abort();
}

describe('while a service has no place left', () => {
  it('cached answers are served, fresh or stale, and all other requests are refused', async () => {
    for (const id of ['kept', 'cold', 'slow']) await send(`/v1/ores/${id}`, { method: 'PATCH' });
    for (const path of ['/v1/ores/kept', '/v1/ores/kept:glance']) expect((await send(path)).status).toBe(200);
    const leave = await takePlace('/v1/ores/slow');

    const fresh = await send('/v1/ores/kept');
    expect([fresh.status, fresh.headers['cache-status']]).toEqual([200, expect.stringContaining('hit')]);
    // It is cached for a second.
    await expect
      .poll(async () => (await send('/v1/ores/kept:glance')).headers['cache-status'], { timeout: 5_000 })
      .toMatch(/^rapport; fwd=stale; fwd-status=503; ttl=-\d; detail=stale-if-error$/);
    const refused = await send('/v1/ores/cold');
    expect([refused.status, (JSON.parse(refused.body) as { code: string }).code]).toEqual([503, 'OVERLOADED']);
    leave();
    await expect.poll(async () => (await send('/v1/ores/cold')).status).toBe(200);
  });
});

describe('a request that the key may not make', () => {
  it('is charged like an allowed one, so that their number is limited', async () => {
    const headers = { authorization: authorization('t2', 'ores.write', 'poor') };
    const answers = [];
    for (let n = 0; n < 6; n += 1) answers.push(await send('/v1/ores/a', { headers }));

    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403, 429]);
    expect(answers[0]?.headers['ratelimit']).toMatch(/^"key";r=4;/);
  });
});

describe('the count of wrong credentials', () => {
  it('grows by one for each refusal of auth, and otherwise not', async () => {
    const before = figures.wrongCredentials;
    const as = async (name: string) =>
      (await send('/v1/ores/kept', { headers: { authorization: authorization('t3', 'ores.read', name) } })).status;

    expect([await as('new'), figures.wrongCredentials - before]).toEqual([404, 0]);
    expect([await as('wrong'), await as('wrong'), figures.wrongCredentials - before]).toEqual([401, 401, 2]);
  });
});

it('an edge refuses to start with a plan that can never pay for the most expensive operation', async () => {
  const narrow = { ...limits, plans: new Map([...plans, ['narrow', { ...plan, keyUnits: 1 }]]) };

  await expect(ores.startEdge({ limits: narrow })).rejects.toThrow('narrow.keyUnits is 1, and one operation costs 2');
});
