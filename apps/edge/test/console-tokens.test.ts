import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ConsoleCookies, secondsNow, type SealedSession } from '../src/console/session-cookie.js';
import { ask } from './ask.js';
import { newKey, publicUrl, sign, type IssuerKey } from './running-issuer.js';
import { startOres, type RunningEdge, type RunningOres } from './running-ores.js';

const keys = [randomBytes(32)];
const cookies = new ConsoleCookies({ keys, consoleUrl: publicUrl });

let ores: RunningOres;
let provider: Server;
let signer: IssuerKey;
let edges: RunningEdge[];
/** How long the provider's tokens are valid, in seconds, and the refresh tokens of each request for one. */
let lifetime = 600;
let refreshes: (string | null)[] = [];
const ended = new Set<string>();
/** Whether the provider can revoke tokens. */
let canRevoke = true;

beforeAll(async () => {
  signer = await newKey();
  provider = createServer((request, response) => void answer(request).then((body) => send(response, body)));
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  const authHttpAddress = `127.0.0.1:${(provider.address() as AddressInfo).port}`;
  ores = await startOres();
  const config = { authHttpAddress, publicUrl, console: { url: publicUrl, keys, folder: undefined } };
  edges = [await ores.startEdge(config), await ores.startEdge(config)];
  const headers = { authorization: 'Bearer t1|ores.read,ores.write|key' };
  await ask(`${edges[0]?.url}/v1/ores/a`, { method: 'PATCH', headers, body: '{"name":"x"}' });
});
beforeEach(() => {
  lifetime = 600;
  refreshes = [];
});
afterAll(async () => {
  await ores.stop();
  provider.close();
});

/** The provider: keys and tokens. */
async function answer(request: IncomingMessage): Promise<object> {
  if (request.url === '/oauth/jwks') return { keys: [signer.publicJwk] };
  const form = new URLSearchParams(await text(request));
  const refreshToken = form.get('refresh_token') ?? form.get('token') ?? '';
  if (request.url === '/oauth/revoke') {
    if (!canRevoke) return { error: 'server_error' };
    ended.add(refreshToken);
    return {};
  }
  expect([form.get('client_id'), request.headers['x-rapport-own-request']]).toEqual(['console', 'true']);
  refreshes.push(refreshToken);
  if (ended.has(refreshToken)) return { error: 'invalid_grant' };
  const iat = secondsNow();
  const claims = { iat, exp: iat + lifetime, sub: 'u1', principal_id: 'user:u1' };
  const idClaims = {
    ...claims,
    aud: 'console',
    name: 'Ada',
    email: 'ada@example.com',
    tenant_id: 't1',
    workspace: 'acme',
  };
  return {
    ...{ token_type: 'Bearer', expires_in: lifetime, access_token: await sign(signer, claims) },
    ...{ id_token: await sign(signer, idClaims, { typ: 'JWT' }), refresh_token: refreshToken },
  };
}

function send(response: ServerResponse, body: object): void {
  response.writeHead('error' in body ? 400 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** The headers of a request of the console. */
async function ofSession(changes: Partial<SealedSession> = {}): Promise<Record<string, string>> {
  const session = { refreshToken: crypto.randomUUID(), startedAt: secondsNow(), seenAt: secondsNow(), ...changes };
  const [pair = ''] = (await cookies.ofSession(session)).split(';');
  return { cookie: pair, 'rapport-console': '1', 'sec-fetch-site': 'same-origin' };
}

const statuses = async (headers: Record<string, string>, urls: string[]) =>
  (await Promise.all(urls.map((url) => ask(`${url}/v1/ores/a`, { headers })))).map(({ status }) => status);

test('an edge gets one token for requests of a session that arrive together, and keeps it', async () => {
  const headers = await ofSession();
  const urls = Array.from({ length: 20 }, () => edges[0]!.url);

  expect(new Set(await statuses(headers, urls))).toEqual(new Set([200]));
  expect(new Set(await statuses(headers, urls))).toEqual(new Set([200]));
  expect(refreshes).toHaveLength(1);
});

test('edges refresh tokens that are about to expire, at the same moment and with the same refresh token', async () => {
  lifetime = 30;
  const headers = await ofSession();
  for (let round = 1; round <= 3; round += 1) {
    expect(
      new Set(
        await statuses(
          headers,
          edges.flatMap(({ url }) => [url, url]),
        ),
      ),
    ).toEqual(new Set([200]));
    expect(refreshes).toHaveLength(round * 2);
  }
  expect(new Set(refreshes).size).toBe(1);
});

test('an ended session is not asked about again', async () => {
  const headers = await ofSession({ refreshToken: 'gone' });
  ended.add('gone');

  for (let use = 0; use < 3; use += 1) expect(await statuses(headers, [edges[0]!.url])).toEqual([401]);
  expect(refreshes).toHaveLength(1);
});

test('a sign-out that auth could not answer can be tried again', async () => {
  const headers = await ofSession({ refreshToken: 'leaving' });
  const signOut = async () => (await ask(`${edges[0]!.url}/console/sign-out`, { method: 'POST', headers })).status;
  canRevoke = false;
  const first = await signOut();
  canRevoke = true;

  expect([first, await signOut(), ended.has('leaving')]).toEqual([503, 204, true]);
  expect(await statuses(headers, [edges[0]!.url])).toEqual([401]);
});

test('a cookie is renewed by answers of services and from memory, and not before a minute', async () => {
  const fresh = await ofSession();
  const older = await ofSession({ seenAt: secondsNow() - 61 });
  const { url } = edges[0]!;

  const answers = [
    await ask(`${url}/v1/ores/a`, { headers: older }),
    await ask(`${url}/v1/ores/a`, { headers: older }),
    await ask(`${url}/v1/ores/a`, { method: 'PATCH', headers: older, body: '{"name":"z"}' }),
  ];

  for (const { headers } of answers)
    expect(headers['set-cookie']).toMatch(/^__Host-rapport-console=eyJ.*Max-Age=1800$/);
  expect((await ask(`${url}/v1/ores/a`, { headers: fresh })).headers['set-cookie']).toBeUndefined();
});

test('a stream of a session outlives its tokens, and ends with the session', { timeout: 60_000 }, async () => {
  lifetime = 2;
  const headers = { ...(await ofSession({ refreshToken: 'streaming' })), accept: 'text/event-stream' };
  const [stream] = (await once(get(`${edges[0]!.url}/v1/ores:watch`, { headers }), 'response')) as [IncomingMessage];
  let received = '';
  stream.on('data', (data) => (received += String(data)));
  // Its second and third token.
  await expect.poll(() => refreshes.filter((each) => each === 'streaming').length, { timeout: 30_000 }).toBe(3);

  ores.say('t1', 'later');
  await expect.poll(() => received, { timeout: 10_000 }).toContain('"later"');
  ended.add('streaming');

  await once(stream, 'close');
  expect(received).toContain('CREDENTIAL_INVALID');
});
