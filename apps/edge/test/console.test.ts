import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { ConsoleCookies } from '../src/console/session-cookie.js';
import { ask } from './ask.js';
import { authorization, startOres, type RunningEdge, type RunningOres } from './running-ores.js';

const [publicUrl, consoleUrl] = ['https://id.example.com', 'https://console.example.com'];
const [key, retired] = [randomBytes(32), randomBytes(32)];
const page = '<!doctype html><title>Console</title>';
const script = 'export const answer = 42;\n'.repeat(40);

let ores: RunningOres;
let provider: Server;
let folder: string;
/** With a host for the console, and one host for everything. */
let apart: RunningEdge;
let together: RunningEdge;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rapport-console-'));
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'index.html'), page);
  await writeFile(join(folder, 'assets/main-Ab12_x-9.js'), script);
  await writeFile(join(folder, 'assets/main-Ab12_x-9.js.br'), brotliCompressSync(script));
  await writeFile(join(folder, 'robots.txt'), 'User-agent: *\n');
  provider = createServer((_request, response) => response.end('the page'));
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  const authHttpAddress = `127.0.0.1:${(provider.address() as AddressInfo).port}`;
  ores = await startOres();
  const keys = [key, retired];
  apart = await ores.startEdge({ authHttpAddress, publicUrl, console: { url: consoleUrl, keys, folder } });
  together = await ores.startEdge({ authHttpAddress, publicUrl, console: { url: publicUrl, keys, folder: undefined } });
});
afterAll(async () => {
  await ores.stop();
  provider.close();
  await rm(folder, { recursive: true });
});
afterEach(() => vi.useRealTimers());

const [issuerHost, consoleHost] = ['id.example.com', 'console.example.com'];
const html = { accept: 'text/html,*/*;q=0.8' };

/** The status of a path on a host. */
async function statusOf(path: string, host: string, { url } = apart): Promise<number> {
  return (await ask(url + path, { headers: { host, ...html } })).status;
}

describe('with a host of its own, the console', () => {
  test('is only there, and the pages of the provider are only on the other one', async () => {
    for (const path of ['/', '/customers/1', '/console/sign-in', '/console/callback', '/robots.txt']) {
      expect(await statusOf(path, issuerHost), path).toBe(404);
    }
    for (const path of ['/oauth/authorize', '/oauth/interactions/abcdefghijk', '/oauth/jwks']) {
      expect([await statusOf(path, consoleHost), await statusOf(path, issuerHost)], path).toEqual([404, 200]);
    }
    expect(await statusOf('/.well-known/openid-configuration', consoleHost)).toBe(404);
    expect(await statusOf('/', consoleHost)).toBe(200);
  });

  test('sends the browser to the issuer, with a cookie that only this host gets over https', async () => {
    const { status, headers } = await ask(`${apart.url}/console/sign-in?workspace=acme&ui_locales=zh`, {
      headers: { host: consoleHost },
    });

    const target = new URL(headers['location'] ?? '');
    expect([status, target.origin, target.pathname]).toEqual([303, publicUrl, '/oauth/authorize']);
    expect(Object.fromEntries(target.searchParams)).toMatchObject({
      client_id: 'console',
      redirect_uri: `${consoleUrl}/console/callback`,
      response_type: 'code',
      code_challenge_method: 'S256',
      prompt: 'login',
      workspace: 'acme',
      ui_locales: 'zh',
    });
    expect(headers['set-cookie']).toMatch(
      /^__Host-rapport-console-sign-in=eyJ[\w.-]+; Path=\/; HttpOnly; Secure; SameSite=Lax; Max-Age=300$/,
    );
    expect(headers['cache-control']).toBe('no-store');
  });
});

test('with one host, everything is there, and another name of it leads to it', async () => {
  expect(await statusOf('/', issuerHost, together)).toBe(200);
  expect(await statusOf('/oauth/jwks', issuerHost, together)).toBe(200);
  const other = await ask(`${together.url}/console/sign-in?workspace=acme`, { headers: { host: 'other.example.com' } });
  expect([other.status, other.headers['location']]).toEqual([303, `${publicUrl}/console/sign-in?workspace=acme`]);
});

describe('the files of the console', () => {
  const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    ask(apart.url + path, { method, headers: { host: consoleHost, ...headers } });

  test('are compressed as the client likes, and hashed ones never asked for again', async () => {
    const path = '/assets/main-Ab12_x-9.js';
    const plain = await get(path, { 'accept-encoding': 'br;q=0, gzip' });
    const answer = await fetch(apart.url + path, { headers: { 'accept-encoding': 'gzip, br' } });
    const small = await get(path, { 'accept-encoding': 'gzip, deflate, br' }, 'HEAD');

    expect([plain.status, plain.body, plain.headers['content-encoding']]).toEqual([200, script, undefined]);
    expect(await answer.text()).toBe(script);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-encoding': 'br',
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      vary: 'accept-encoding',
    });
    expect(Number(small.headers['content-length'])).toBe(brotliCompressSync(script).length);
  });

  test('have a page for each path of the console, with a policy that runs no other script', async () => {
    const first = await get('/');
    const deep = await get('/customers/1?q=ada', html);

    expect([first.body, deep.body, deep.status]).toEqual([page, page, 200]);
    expect(deep.headers['content-security-policy']).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
        "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'",
    );
    expect(deep.headers['cache-control']).toBe('no-cache');
    const again = await get('/customers/1', { ...html, 'if-none-match': deep.headers['etag'] ?? '' });
    expect([again.status, again.body]).toEqual([304, '']);
  });

  test('leave unknown paths of the API, unknown files and other methods as they were', async () => {
    for (const path of [
      '/v1/nothing',
      '/docs/nothing',
      '/oauth/nothing',
      '/console/nothing',
      '/openapi-9.json',
      '/metrics',
    ]) {
      const { status, headers } = await get(path, html);
      expect([status, headers['content-type']], path).toEqual([404, 'application/problem+json; charset=utf-8']);
    }
    expect((await get('/assets/gone-12345678.js', { accept: '*/*' })).status).toBe(404);
    expect((await get('/../etc/passwd', html)).body).not.toContain('root');
    expect((await get('/customers', {}, 'POST')).status).toBe(404);
    expect((await get('/', {}, 'POST')).status).toBe(405);
  });
});

describe('the cookie of a session', () => {
  const cookies = new ConsoleCookies({ keys: [key], consoleUrl });
  const now = () => Math.floor(Date.now() / 1_000);
  const valueOf = (line: string) => /=([^;]+)/.exec(line)?.[1] ?? '';

  test('is opened by a retired key, and by no other', async () => {
    const session = { refreshToken: 'r', startedAt: now(), seenAt: now() };
    const old = valueOf(await new ConsoleCookies({ keys: [retired], consoleUrl }).ofSession(session));

    expect(await new ConsoleCookies({ keys: [key, retired], consoleUrl }).openSession(old)).toMatchObject(session);
    expect(await cookies.openSession(old)).toBeUndefined();
  });

  test('ends 30 minutes after the last request, and 12 hours after the sign-in', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const startedAt = now();
    let value = valueOf(await cookies.ofSession({ refreshToken: 'r', startedAt, seenAt: startedAt }));
    vi.setSystemTime((startedAt + 1_799) * 1_000);
    expect(await cookies.openSession(value)).toBeDefined();
    vi.setSystemTime((startedAt + 1_800) * 1_000);
    expect(await cookies.openSession(value)).toBeUndefined();

    const seenAt = startedAt + 12 * 3_600 - 60;
    const line = await cookies.ofSession({ refreshToken: 'r', startedAt, seenAt });
    value = valueOf(line);
    expect(line).toMatch(/; Path=\/; HttpOnly; Secure; SameSite=Strict; Max-Age=60$/);
    vi.setSystemTime((startedAt + 12 * 3_600 - 1) * 1_000);
    expect(await cookies.openSession(value)).toBeDefined();
    vi.setSystemTime((startedAt + 12 * 3_600) * 1_000);
    expect(await cookies.openSession(value)).toBeUndefined();
  });

  test('of a sign-in is none of a session, and ends after five minutes', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const signIn = { state: 's', nonce: 'n', verifier: 'v', returnTo: '/' };
    const value = valueOf(await cookies.ofSignIn(signIn));

    expect(await cookies.openSession(value)).toBeUndefined();
    expect(await cookies.openSignIn(value)).toMatchObject(signIn);
    vi.setSystemTime(Date.now() + 301_000);
    expect(await cookies.openSignIn(value)).toBeUndefined();
  });

  test('is ignored beside a key', async () => {
    const headers = { host: consoleHost, authorization: authorization('acme'), cookie: '__Host-rapport-console=x' };

    expect((await ask(`${apart.url}/v1/ores`, { headers })).status).toBe(200);
  });
});
