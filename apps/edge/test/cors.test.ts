import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultLimitSettings } from '../src/limits/limit-settings.js';
import { ask, ordinary, type HttpAnswer } from './ask.js';
import { authorization, startOres, type RunningEdge, type RunningOres } from './running-ores.js';

const ours = 'https://app.ours.example';
const theirs = 'https://app.theirs.example';
const local = 'http://localhost:5173';
const publicUrl = 'https://crm.example.com';
const poorUnits = 3;

let ores: RunningOres;
let provider: Server;
/** One edge that answers from memory ahead of the router, and one whose router answers reads. */
let edges: (RunningEdge & { headers: Record<string, string> })[];
let edge: RunningEdge;

beforeAll(async () => {
  // As a provider that every page may read.
  provider = createServer((_request, response) => {
    response.writeHead(200, { 'access-control-allow-origin': '*', 'access-control-expose-headers': 'x' }).end('{}');
  });
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  const authHttpAddress = `127.0.0.1:${(provider.address() as AddressInfo).port}`;
  ores = await startOres();
  ores.setOrigins('ours', [ours, local]);
  ores.setOrigins('theirs', [theirs]);
  const plan = { keyUnits: 1e6, tenantUnits: 1e6, places: { interactive: 100, bulk: 10, feed: 10 } };
  const plans = new Map([
    ...['standard', 'unlimited'].map((name) => [name, plan] as const),
    ['poor', { ...plan, keyUnits: poorUnits }] as const,
  ]);
  const limits = { ...defaultLimitSettings(), plans };
  const config = { limits, authHttpAddress, publicUrl };
  edges = await Promise.all([{}, ordinary].map(async (headers) => ({ ...(await ores.startEdge(config)), headers })));
  [edge] = edges as [(typeof edges)[number]];
  await ask(`${edge.url}/v1/ores/a`, { method: 'PATCH', headers: as('ours'), body: '{"name":"x"}' });
});

afterAll(async () => {
  await ores.stop();
  provider.close();
});

function as(tenant: string, origin?: string, permissions?: string, name?: string): Record<string, string> {
  return { authorization: authorization(tenant, permissions, name), ...(origin !== undefined && { origin }) };
}

/** The preflight of a browser before a request that is not simple. */
function preflight(path: string, origin: string, of = edge): Promise<HttpAnswer> {
  const headers = {
    origin,
    'access-control-request-method': 'PATCH',
    'access-control-request-headers': 'authorization,content-type,x-invented',
  };
  return ask(`${of.url}${path}`, { method: 'OPTIONS', headers });
}

/** The headers of an answer that browsers use. */
function corsOf({ headers }: HttpAnswer): Record<string, string> {
  const entries = Object.entries(headers).filter(([name]) => name.startsWith('access-control-') || name === 'vary');
  return Object.fromEntries(entries);
}

function sharedWith(origin: string, vary = 'Origin') {
  return {
    vary,
    'access-control-allow-origin': origin,
    'access-control-expose-headers':
      'Age, Cache-Status, ETag, Location, RateLimit, RateLimit-Policy, Rapport-Consistency-Token, Retry-After, X-Request-Id',
  };
}

describe('a preflight', () => {
  it('has the same answer for the origins of all tenants, with fixed lists and without credentials', async () => {
    for (const origin of [ours, theirs, local]) {
      const answer = await preflight('/v1/ores/a', origin);
      expect([answer.status, answer.body]).toEqual([204, '']);
      expect(corsOf(answer)).toEqual({
        vary: 'Origin',
        'access-control-allow-origin': origin,
        'access-control-allow-methods': 'GET, HEAD, PATCH, POST, PUT',
        'access-control-allow-headers':
          'authorization, cache-control, content-type, idempotency-key, if-match, if-none-match, last-event-id, rapport-consistency-token, traceparent, x-request-id',
        'access-control-max-age': '600',
      });
    }
  });

  it.each(['https://nobody.example', publicUrl, 'null', '*', '', `${ours}/`, `${ours}, ${theirs}`, ours.toUpperCase()])(
    'from the origin "%s" allows nothing',
    async (origin) => {
      expect(corsOf(await preflight('/v1/ores/a', origin))).not.toHaveProperty('access-control-allow-origin');
      expect(corsOf(await preflight('/v1/ores/a', origin))).not.toHaveProperty('access-control-allow-methods');
    },
  );

  it.each([
    '/console',
    '/console/api',
    '/oauth/token',
    '/oauth/jwks',
    '/openapi.json',
    '/docs',
    '/livez',
    '/v1',
    '/v2/ores',
  ])('of %s is none', async (path) => {
    const answer = await preflight(path, ours);
    expect([404, 405]).toContain(answer.status);
    expect(corsOf(answer)).toEqual({});
  });

  it('is no other OPTIONS request', async () => {
    const answer = await ask(`${edge.url}/v1/ores/a`, { method: 'OPTIONS', headers: { origin: ours } });
    expect([answer.status, answer.headers['allow']]).toEqual([405, 'GET, HEAD, PATCH']);
    expect(corsOf(answer)).toEqual({});
  });

  it('of an unknown origin does not reach auth each time', async () => {
    await preflight('/v1/ores/a', ours);
    const callsBefore = ores.calls.get('listAllowedOrigins') ?? 0;
    const startedAt = performance.now();
    for (let count = 0; count < 200; count += 20)
      await Promise.all(Array.from({ length: 20 }, (_, n) => preflight('/v1/ores/a', `https://${count + n}.example`)));
    const calls = (ores.calls.get('listAllowedOrigins') ?? 0) - callsBefore;
    // One a second, and one that may be due at once.
    expect(calls).toBeLessThanOrEqual(2 + (performance.now() - startedAt) / 1_000);
  });

  it('uses the current registrations', async () => {
    const origin = 'https://late.example';
    const isAllowed = async () => 'access-control-allow-origin' in corsOf(await preflight('/v1/ores/a', origin));
    expect(await isAllowed()).toBe(false);
    ores.setOrigins('late', [origin]);
    await expect.poll(isAllowed, { timeout: 60_000 }).toBe(true);
    ores.setOrigins('late', []);
    await expect.poll(isAllowed, { timeout: 60_000 }).toBe(false);
  });

  it('is charged to its address', async () => {
    const limits = { ...defaultLimitSettings(), anonymousUnits: 2 };
    const narrow = await ores.startEdge({ limits });
    await preflight('/v1/ores/a', ours, narrow);
    await preflight('/v1/ores/a', ours, narrow);
    const refused = await preflight('/v1/ores/a', ours, narrow);
    expect(refused.status).toBe(429);
    expect(corsOf(refused)).toEqual({});
  });
});

const answers: [
  string,
  string,
  { method?: string; body?: string; headers?: Record<string, string>; permissions?: string },
  number,
][] = [
  ['a record', '/v1/ores/a', {}, 200],
  ['its head', '/v1/ores/a', { method: 'HEAD' }, 200],
  ['a record that the page has', '/v1/ores/a', { headers: { 'if-none-match': '*' } }, 304],
  ['a list', '/v1/ores', {}, 200],
  ['a write', '/v1/ores/a', { method: 'PATCH', body: '{"name":"x"}' }, 200],
  ['what is not there', '/v1/ores/none', {}, 404],
  ['a wrong value', '/v1/ores/a', { method: 'PATCH', body: '{"nonsense":1}' }, 400],
  ['a body that can not be read', '/v1/ores/a', { method: 'PATCH', body: '{' }, 400],
  ['a call without permission', '/v1/ores/a', { permissions: 'ores.write' }, 403],
];

describe.each([0, 1])('the answer of edge %i', (index) => {
  /** The answer of this edge to a read. */
  const read = (path: string, headers: Record<string, string>) =>
    ask(`${edges[index]?.url}${path}`, { headers: { ...edges[index]?.headers, ...headers } });

  it.each(answers)('with %s may be read by pages of the caller’s tenant, and by no others', async (...row) => {
    const [, path, { method = 'GET', body, headers = {}, permissions }, status] = row;
    const url = `${edges[index]?.url}${path}`;
    const send = async (tenant: string, origin?: string) => {
      const request = {
        method,
        headers: {
          ...(method === 'PATCH' ? {} : edges[index]?.headers),
          ...as(tenant, origin, permissions),
          ...headers,
        },
        ...(body !== undefined && { body }),
      };
      const answer = await ask(url, request);
      // Other tenants do not have this record.
      if (tenant === 'ours') expect(answer.status).toBe(status);
      return corsOf(answer);
    };
    // Twice: the second comes from memory, where the first is cached for another page.
    for (const origin of [ours, local, ours]) expect(await send('ours', origin)).toEqual(sharedWith(origin));
    for (const origin of [theirs, publicUrl, 'https://nobody.example', 'null', `${ours}/`, undefined])
      expect(await send('ours', origin)).toEqual({ vary: 'Origin' });
    expect(await send('theirs', theirs)).toEqual(sharedWith(theirs));
    expect(await send('theirs', ours)).toEqual({ vary: 'Origin' });
    expect(await send('without', ours)).toEqual({});
  });

  it('of an exhausted budget may be read too', async () => {
    const headers = as('ours', ours, 'ores.read', 'poor');
    let answer = await read('/v1/ores/a', headers);
    for (let count = 0; count < poorUnits; count++) answer = await read('/v1/ores/a', headers);
    expect(answer.status).toBe(429);
    expect(corsOf(answer)).toEqual(sharedWith(ours));
  });

  it('to an unknown caller may be read by no page', async () => {
    for (const headers of [{ origin: ours }, as('ours', ours, undefined, 'wrong')]) {
      const answer = await read('/v1/ores/a', headers);
      expect(answer.status).toBe(401);
      expect(corsOf(answer)).toEqual({});
    }
    expect(corsOf(await read('/v1/ores:count', as('ours', ours)))).toEqual({});
  });

  it('may no longer be read by a page whose origin was removed, although the answer is cached', async () => {
    const url = `${edges[index]?.url}/v1/ores/a`;
    const tenant = `leaving-${index}`;
    ores.setOrigins(tenant, [ours]);
    await ask(url, { method: 'PATCH', headers: as(tenant), body: '{"name":"x"}' });
    const send = async () => corsOf(await read('/v1/ores/a', as(tenant, ours)));
    expect(await send()).toEqual(sharedWith(ours));
    ores.setOrigins(tenant, []);
    await expect.poll(send, { timeout: 60_000 }).toEqual({});
  });
});

it('a stream may be read by pages of the caller’s tenant', async () => {
  const open = async (origin: string) => {
    const stop = new AbortController();
    const headers = { ...as('ours', origin), accept: 'text/event-stream' };
    const answer = await fetch(`${edge.url}/v1/ores:watch`, { headers, signal: stop.signal });
    stop.abort();
    return Object.fromEntries([...answer.headers].filter(([name]) => name.startsWith('access-') || name === 'vary'));
  };
  expect(await open(ours)).toEqual(sharedWith(ours, 'accept, Origin'));
  expect(await open(theirs)).toEqual({ vary: 'accept, Origin' });
});

it('an answer of the OpenID provider may be read by no page of another origin', async () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded', origin: ours };
  const asked: [string, string][] = [
    ['POST', '/oauth/token'],
    ['GET', '/oauth/jwks'],
    ['GET', '/.well-known/openid-configuration'],
  ];
  for (const [method, path] of asked) {
    const answer = await ask(`${edge.url}${path}`, { method, headers: form });
    expect(answer.status).toBe(200);
    expect(corsOf(answer)).toEqual({});
  }
});
