import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { defaultLimitSettings } from '../src/limits/limit-settings.js';
import { ask } from './ask.js';
import { startOres, type RunningEdge, type RunningOres } from './running-ores.js';

const publicUrl = 'https://crm.example.com';
const form = 'application/x-www-form-urlencoded';

let ores: RunningOres;
let provider: Server;
let authHttpAddress: string;
let edge: RunningEdge;
/** The provider's last request, and its answer. */
let asked: { request: IncomingMessage; body: string } | undefined;
let status = 200;

beforeAll(async () => {
  provider = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      asked = { request, body: Buffer.concat(pieces).toString() };
      response.writeHead(status, { 'content-security-policy': "default-src 'none'", 'set-cookie': ['a=1', 'b=2'] });
      response.end('the page');
    });
  });
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  authHttpAddress = `127.0.0.1:${(provider.address() as AddressInfo).port}`;
  ores = await startOres();
  edge = await ores.startEdge({ authHttpAddress, publicUrl });
});
beforeEach(() => {
  asked = undefined;
  status = 200;
});
afterAll(async () => {
  await ores.stop();
  provider.close();
});

it('forwards the provider’s request headers, and its answer with our security headers', async () => {
  const answer = await ask(`${edge.url}/oauth/token?x=%20y`, {
    method: 'POST',
    headers: { 'content-type': form, authorization: 'Basic eDp5', cookie: 'c=1', 'x-request-id': 'request-77' },
    body: 'grant_type=client_credentials',
  });

  expect(asked?.request.url).toBe('/oauth/token?x=%20y');
  expect(asked?.body).toBe('grant_type=client_credentials');
  expect(asked?.request.headers).toMatchObject({
    authorization: 'Basic eDp5',
    cookie: 'c=1',
    'x-request-id': 'request-77',
  });
  expect([answer.status, answer.body]).toEqual([200, 'the page']);
  expect(answer.headers).toMatchObject({
    'content-security-policy': "default-src 'none'",
    'set-cookie': 'a=1,b=2',
    'x-content-type-options': 'nosniff',
    'x-request-id': 'request-77',
  });
});

const forged = { 'x-forwarded-for': '6.6.6.6', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'evil.example' };

it('sets the client address for the provider, and ignores the client’s headers', async () => {
  await ask(`${edge.url}/oauth/jwks`, { headers: { ...forged, forwarded: 'for=6.6.6.6', 'x-real-ip': '6.6.6.6' } });

  const { headers } = asked?.request ?? {};
  expect(headers).toMatchObject({
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'http',
    'x-forwarded-host': new URL(edge.url).host,
  });
  expect(JSON.stringify(headers)).not.toContain('6.6.6.6');
  expect(JSON.stringify(headers)).not.toContain('evil');
});

it('trusts the headers of a configured proxy', async () => {
  const behind = await ores.startEdge({ authHttpAddress, publicUrl, trustedProxies: ['127.0.0.1'] });

  await ask(`${behind.url}/oauth/jwks`, { headers: forged });

  expect(asked?.request.headers).toMatchObject(forged);
});

it.each([
  ['GET', '/oauth', 404],
  ['GET', '/oauth/reg', 404],
  ['GET', '/oauth/token', 405],
  ['POST', '/oauth/jwks', 405],
  ['GET', '/oauth/interactions/a/b/c', 404],
  ['GET', '/.well-known/openid-configuration/x', 404],
  ['GET', '/oauth//jwks', 404],
])('does not forward %s %s', async (method, path, refused) => {
  const answer = await ask(edge.url + path, { method, headers: method === 'POST' ? { 'content-type': form } : {} });

  expect([answer.status, asked]).toEqual([refused, undefined]);
});

it('refuses a form that is too large or of another type without a request to the provider', async () => {
  const large = await ask(`${edge.url}/oauth/token`, {
    method: 'POST',
    headers: { 'content-type': form },
    body: 'x'.repeat(40_000),
  });
  const json = await ask(`${edge.url}/oauth/token`, { method: 'POST', body: '{}' });

  expect([large.status, json.status, asked]).toEqual([413, 415, undefined]);
});

it('limits wrong passwords by address, and counts no correct ones', async () => {
  const limits = { ...defaultLimitSettings(), failedAuthentications: 3 };
  const strict = await ores.startEdge({ authHttpAddress, publicUrl, limits });
  const post = async () =>
    (await ask(`${strict.url}/oauth/token`, { method: 'POST', headers: { 'content-type': form }, body: 'x=1' })).status;

  for (let n = 0; n < 5; n += 1) expect(await post()).toBe(200);
  status = 401;
  expect([await post(), await post(), await post(), await post()]).toEqual([401, 401, 401, 429]);
});

it('answers 503 when the provider is unreachable', async () => {
  const alone = await ores.startEdge({ authHttpAddress: '127.0.0.1:1', publicUrl });

  const answer = await ask(`${alone.url}/oauth/jwks`);

  expect([answer.status, answer.headers['retry-after']]).toEqual([503, '1']);
  expect(JSON.parse(answer.body)).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
});
