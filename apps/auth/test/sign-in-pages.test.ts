import { OAuthGrantType } from '@rapport/contracts/rapport/auth/v1/oauth_clients_service';
import { Browser } from '@rapport/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { earlyTotpCode, totpCode } from './totp-code.js';
import { password } from './running-auth.js';
import { redirectUri, RunningProvider, type Client, type User } from './running-provider.js';

let provider: RunningProvider;
let client: Client;
let user: User;

beforeAll(async () => {
  provider = await RunningProvider.shared();
  client = await provider.newClient();
  user = await provider.newUser(client.caller);
});
afterAll(() => provider.stop());

/** An authorization request that differs from a valid one. */
function authorizeWith(changes: Record<string, string | undefined>): Promise<Awaited<ReturnType<Browser['visit']>>> {
  const parameters: Record<string, string | undefined> = {
    client_id: client.record.clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    ...changes,
  };
  const url = new URL(provider.server.authorization_endpoint ?? '');
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value);
  return new Browser(provider.auth.issuer).visit(url.href);
}

describe('the pages', () => {
  test('have titles and labelled fields, and run no scripts', async () => {
    const { browser, page } = await provider.authorize(client);
    const asked = await browser.submit(page, '/sign-in', { email: user.email, password: user.password });

    for (const { text, headers } of [page, asked]) {
      expect(text).toContain('<html lang="en">');
      expect(text).toMatch(/<h1>[^<]*Acme/);
      expect(text).toContain('Mail add-on');
      expect(text).toContain('width=device-width');
      expect(text).not.toMatch(/<script|javascript:|\son\w+=|https?:\/\//i);
      for (const [, id = ''] of text.matchAll(/<input\s+id="(\w+)"/g)) expect(text).toContain(`<label for="${id}">`);
      expect(headers.get('content-security-policy')).toMatch(
        /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self' https:\/\/app\.example\.com; base-uri 'none'; frame-ancestors 'none'$/,
      );
      expect(headers.get('cache-control')).toBe('no-store');
    }
    expect(asked.text).toContain('<li>customers.read</li>');
  });

  test('escape external values', async () => {
    const evil = await provider.newClient({ displayName: `<script>alert("1")</script>'` });

    const { page } = await provider.authorize(evil);

    expect(page.text).not.toContain('<script');
    expect(page.text).toContain('&#60;script&#62;');
  });

  test('redirect to the client when the user cancels', async () => {
    const { browser, page, state } = await provider.authorize(client);

    const { url } = await browser.submit(page, '/cancel');

    expect(Object.fromEntries(new URL(url).searchParams)).toMatchObject({ error: 'access_denied', state });
  });

  test('refuse forms from another site or another browser', async () => {
    const { browser, page } = await provider.authorize(client);
    const { email, password } = user;

    const foreign = await browser.submit(page, '/sign-in', { email, password }, 'https://evil.example');
    const other = await new Browser(provider.auth.issuer).submit(page, '/sign-in', { email, password });

    expect(foreign.status).toBe(403);
    expect(other.status).toBe(400);
    expect(other.text).toContain('expired');
    expect((await browser.submit(page, '/sign-in', { email, password })).text).toContain('Allow');
  });

  test('refuse NUL, which the database cannot store', async () => {
    const { browser, page } = await provider.authorize(client);
    const address = `${provider.server.authorization_endpoint ?? ''}?client_id=${client.client.client_id}&state=%00`;

    const form = await browser.submit(page, '/sign-in', { email: 'a\0@example.com', password: 'x' });

    expect([form.status, (await fetch(address)).status]).toEqual([400, 400]);
    expect(JSON.parse(form.text)).toMatchObject({ error: 'invalid_request' });
  });

  test('hide their cookies from scripts and other sites', async () => {
    const { headers } = await fetch(page(), { redirect: 'manual' });

    const lines = headers.getSetCookie();
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(line).toMatch(/; samesite=lax; httponly$/i);
  });
});

function page(): string {
  const url = new URL(provider.server.authorization_endpoint ?? '');
  url.search = new URLSearchParams({
    client_id: client.record.clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  }).toString();
  return url.href;
}

describe('an authorization request', () => {
  test.each([
    ['no PKCE', { code_challenge: undefined, code_challenge_method: undefined }],
    ['plain PKCE', { code_challenge_method: 'plain' }],
    ['a token at once', { response_type: 'id_token' }],
    ['another API', { resource: 'https://other.example' }],
  ])('with %s is refused at the client', async (_name, changes) => {
    const { url } = await authorizeWith(changes);

    expect(url.startsWith(redirectUri)).toBe(true);
    expect(url).toMatch(/[?#&]error=/);
  });

  test.each([
    ['an unknown client', { client_id: 'A'.repeat(43) }],
    ['an address with one more character', { redirect_uri: `${redirectUri}/` }],
    ['an address of another host', { redirect_uri: 'https://evil.example/callback' }],
    ['no address', { redirect_uri: undefined }],
  ])('with %s is refused here, and leads nowhere', async (_name, changes) => {
    const { url, status, text } = await authorizeWith(changes);

    expect(url.startsWith(provider.auth.issuer)).toBe(true);
    expect(status).toBe(400);
    expect(text).toContain('Request failed');
  });

  test('accepts only the registered port of a loopback address', async () => {
    const native = await provider.newClient({
      confidential: false,
      redirectUris: ['http://127.0.0.1:8976/cb', 'com.example.app:/cb'],
      grantTypes: [OAuthGrantType.AUTHORIZATION_CODE],
    });

    const { status } = await authorizeWith({
      client_id: native.record.clientId,
      redirect_uri: 'http://127.0.0.1:8977/cb',
    });

    expect(status).toBe(400);
  });
});

describe('signing in', () => {
  async function tryWith(email: string, password: string, address?: string): Promise<number> {
    const browser = new Browser(provider.auth.issuer, address);
    const { page } = await provider.authorize(client, undefined, browser);
    return (await browser.submit(page, '/sign-in', { email, password })).status;
  }

  test('is refused after too many attempts from one address, even with the correct password', async () => {
    const someone = await provider.newUser();
    for (let attempt = 0; attempt < 10; attempt += 1) {
      expect(await tryWith(someone.email, 'wrong password', '10.2.0.1')).toBe(401);
    }

    expect(await tryWith(someone.email, someone.password, '10.2.0.1')).toBe(429);
    expect(await tryWith(someone.email, someone.password, '10.2.0.2')).toBe(200);
  });

  test('asks for the code of an authenticator app, and accepts it', async () => {
    const { user: someone, caller } = await provider.auth.newUser(provider.caller);
    const { secret } = await provider.auth.call('enrollTotp', { proof: { currentPassword: password } }, caller);
    await provider.auth.call('confirmTotp', { confirmation: { code: await earlyTotpCode(secret) } }, caller);
    const { browser, page } = await provider.authorize(client);

    const asked = await browser.submit(page, '/sign-in', { email: someone.email, password, code: '' });
    expect([asked.status, asked.text]).toEqual([401, expect.stringContaining('the code of your authenticator app.')]);
    const code = totpCode(secret);
    const agreed = await browser.submit(asked, '/sign-in', { email: someone.email, password, code });

    expect(agreed.text).toContain('<h1>Allow');
  });

  test('refuses users of another tenant', async () => {
    const stranger = await provider.newUser(await provider.auth.newCaller());

    expect(await tryWith(stranger.email, stranger.password)).toBe(401);
  });

  test('keeps the sessions of two tenants in one browser separate', async () => {
    const { browser, page } = await provider.authorize(client, 'openid');
    await browser.submit(page, '/sign-in', { email: user.email, password: user.password });
    const other = await provider.newClient({}, await provider.auth.newCaller());
    const stranger = await provider.newUser(other.caller);

    const { page: again, verifier, state } = await provider.authorize(other, 'openid customers.read', browser);
    expect(again.text).toContain('<h1>Sign in to');
    const asked = await browser.submit(again, '/sign-in', { email: stranger.email, password: stranger.password });
    const { url } = await browser.submit(asked, '/consent');
    const tokens = await provider.exchange(other, new URL(url), verifier, state);

    expect(await provider.auth.call('authenticateAccessToken', { token: tokens.access_token })).toMatchObject({
      tenantId: other.caller.tenantId,
      principalId: `user:${stranger.id}`,
    });
  });
});

describe('consent', () => {
  test.each([
    ['is disabled', `update user_account set state = 'DISABLED' where id = $1`],
    ['is deleted', 'delete from user_account where id = $1'],
    ['has ended all sessions', 'update user_account set session_epoch = session_epoch + 1 where id = $1'],
  ])('ends when the user %s', async (_name, statement) => {
    const leaver = await provider.newUser(client.caller);
    const tokens = await provider.signIn(client, leaver);
    expect(await provider.isActive(tokens.access_token)).toBe(true);

    await provider.sql(statement, [leaver.id]);

    expect(await provider.isActive(tokens.access_token)).toBe(false);
    await expect(provider.refresh(client, tokens.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
    });
  });

  test('ends with the session, unless it includes offline_access', async () => {
    const someone = await provider.newUser(client.caller);
    const bound = await provider.signIn(client, someone, 'openid customers.read');
    const offline = await provider.signIn(client, someone);

    const caller = await provider.auth.callerOfUser(client.caller, someone.id);
    const { sessions } = await provider.auth.call('listSessions', {}, caller);
    expect(sessions).toMatchObject([{ address: '127.0.0.1' }, { address: '127.0.0.1' }]);
    for (const { id } of sessions) await provider.auth.call('endSession', { id }, caller);

    expect(await provider.isActive(bound.access_token)).toBe(false);
    expect(await provider.isActive(offline.access_token)).toBe(true);
    await expect(provider.refresh(client, bound.refresh_token ?? '')).rejects.toMatchObject({ error: 'invalid_grant' });
  });
});

test('the database contains no usable secret or token', async () => {
  const { browser, page, verifier, state } = await provider.authorize(client);
  const id = /interactions\/([\w-]+)/.exec(page.url)?.[1] ?? '';
  const waiting = JSON.stringify(await provider.sql('select r.*::text from oidc_record r'));
  const asked = await browser.submit(page, '/sign-in', { email: user.email, password: user.password });
  const { url } = await browser.submit(asked, '/consent');
  const code = new URL(url).searchParams.get('code') ?? '';
  const coded = JSON.stringify(await provider.sql('select r.*::text from oidc_record r'));
  const tokens = await provider.exchange(client, new URL(url), verifier, state);
  const rows = JSON.stringify(await provider.sql('select r.*::text from oidc_record r'));

  expect(id.length).toBeGreaterThan(20);
  expect(waiting).not.toContain(id);
  expect(coded).not.toContain(code);
  for (const value of [tokens.access_token, tokens.refresh_token ?? '', ...browser.cookies]) {
    expect(rows).not.toContain(value);
  }
});
