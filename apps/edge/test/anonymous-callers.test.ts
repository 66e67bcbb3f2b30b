import { randomBytes } from 'node:crypto';
import { formatApiKey } from '@rapport/contracts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { v7 } from 'uuid';
import { defaultLimitSettings } from '../src/limits/limit-settings.js';
import { ask } from './ask.js';
import { authorization, startOres, type RunningEdge, type RunningOres } from './running-ores.js';

const anonymousUnits = 5;

let ores: RunningOres;
let edge: RunningEdge;

beforeAll(async () => {
  ores = await startOres();
});
afterAll(() => ores.stop());
beforeEach(async () => {
  const limits = { ...defaultLimitSettings(), anonymousUnits, failedAuthentications: 3 };
  // A proxy sets the client's address of a request.
  const provider = { authHttpAddress: '127.0.0.1:1', publicUrl: 'https://crm.example.com' };
  edge = await ores.startEdge({ limits, trustedProxies: ['127.0.0.1'], ...provider });
});

async function statusOf(path: string, headers: Record<string, string> = {}, address = '192.0.2.1'): Promise<number> {
  return (await ask(edge.url + path, { headers: { 'x-forwarded-for': address, ...headers } })).status;
}

describe('a call without a credential is charged to the budget of its address', () => {
  it.each([
    ['to a path that no route has', '/v1/nothing', 404],
    ['by a method that the path lacks', '/v1/ores:smelt', 405],
    ['of a public method', '/v1/ores:count', 200],
    ['of a method that needs one', '/v1/ores', 401],
    ['of the OpenID provider', '/oauth/jwks', 503],
  ])('%s', async (_name, path, status) => {
    for (let unit = 0; unit < anonymousUnits; unit += 1) expect(await statusOf(path)).toBe(status);

    const refused = await ask(edge.url + path, { headers: { 'x-forwarded-for': '192.0.2.1' } });
    expect([refused.status, JSON.parse(refused.body)]).toEqual([
      429,
      expect.objectContaining({ code: 'RATE_LIMITED', metadata: { budget: 'address', cost: '1' } }),
    ]);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(await statusOf(path, {}, '192.0.2.2')).toBe(status);
    expect(await statusOf('/v1/ores', { authorization: authorization('t1') })).toBe(200);
    expect(await statusOf('/livez')).toBe(200);
  });
});

it('a consistency token of an anonymous request is not stored', async () => {
  ores.writeBehind('t2', 'a');
  const headers = { authorization: authorization('t2') };
  const token = { 'rapport-consistency-token': 'a token of a stranger' };
  expect(await statusOf('/v1/ores/a', token)).toBe(401);
  expect(await statusOf('/v1/ores/a', headers)).toBe(200);
  ores.writeBehind('t2', 'a');

  const answer = await ask(`${edge.url}/v1/ores/a`, { headers: { ...headers, ...token } });

  expect(JSON.parse(answer.body)).toMatchObject({ version: 2 });
});

describe('wrong keys of an address', () => {
  const wrong = { authorization: authorization('t1', 'ores.read', 'wrong') };
  const wellFormed = () => ({ authorization: `Bearer ${formatApiKey(v7(), 'live', randomBytes(24))}` });

  it('block malformed keys, and no valid key that is new to this edge', async () => {
    for (let guess = 0; guess < 3; guess += 1) expect(await statusOf('/v1/ores', wrong)).toBe(401);

    expect(await statusOf('/v1/ores', wrong)).toBe(429);
    expect(await statusOf('/v1/ores', { authorization: authorization('t1', 'ores.read', 'unseen') })).toBe(429);
    // This auth accepts any well-formed key, without permissions.
    for (let key = 0; key < 5; key += 1) expect(await statusOf('/v1/ores', wellFormed())).toBe(403);
  });

  it('block no sign-in', async () => {
    for (let guess = 0; guess < 4; guess += 1) await statusOf('/v1/ores', wrong);

    const headers = { 'x-forwarded-for': '192.0.2.1', 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await ask(`${edge.url}/oauth/token`, { method: 'POST', headers, body: 'x=1' });
    expect(answer.status).toBe(503);
  });
});
