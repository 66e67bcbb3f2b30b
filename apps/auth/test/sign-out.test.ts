import { Browser } from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RunningProvider, type Client } from './running-provider.js';

let provider: RunningProvider;
let client: Client;

beforeAll(async () => {
  provider = await RunningProvider.shared();
  client = await provider.newClient();
});
afterAll(() => provider.stop());

/** A user who has signed in to a client in a browser. */
async function signedIn(scope: string) {
  const user = await provider.newUser();
  const { browser, page, verifier, state } = await provider.authorize(client, scope);
  const asked = await browser.submit(page, '/sign-in', { email: user.email, password: user.password });
  const { url } = await browser.submit(asked, '/consent');
  const tokens = await provider.exchange(client, new URL(url), verifier, state);
  const caller = await provider.auth.callerOfUser(provider.caller, user.id);
  return { browser, tokens, caller };
}

function signOutUrl(parameters: Record<string, string> = {}): string {
  const url = new URL(provider.server.end_session_endpoint ?? '');
  url.search = new URLSearchParams(parameters).toString();
  return url.href;
}

test('signing out ends the session and its tokens', async () => {
  const { browser, tokens, caller } = await signedIn('openid customers.read');
  const page = await browser.visit(signOutUrl({ id_token_hint: tokens.id_token ?? '' }));

  const done = await browser.submit(page, '/logout/confirm', { logout: 'yes' });

  expect([page.status, page.text]).toEqual([200, expect.stringContaining('<h1>Do you want to sign out?</h1>')]);
  expect([done.status, done.text]).toEqual([200, expect.stringContaining('<h1>You are signed out</h1>')]);
  expect(await provider.isActive(tokens.access_token)).toBe(false);
  await expect(provider.refresh(client, tokens.refresh_token ?? '')).rejects.toMatchObject({ error: 'invalid_grant' });
  expect((await provider.auth.call('listSessions', {}, caller)).sessions).toEqual([]);
  const { page: next } = await provider.authorize(client, 'openid', browser);
  expect(next.text).toContain('<h1>Sign in to');
});

test('offline access continues after signing out', async () => {
  const { browser, tokens } = await signedIn('openid offline_access customers.read');

  await browser.submit(await browser.visit(signOutUrl()), '/logout/confirm', { logout: 'yes' });

  expect(await provider.isActive(tokens.access_token)).toBe(true);
  expect((await provider.refresh(client, tokens.refresh_token ?? '')).access_token).toEqual(expect.any(String));
});

test('a link or a form on another site does not sign users out', async () => {
  const { browser, tokens } = await signedIn('openid customers.read');
  const page = await browser.visit(signOutUrl());

  const forged = await browser.submit(page, '/logout/confirm', { logout: 'yes', xsrf: 'guessed' });

  expect([forged.status, forged.text]).toEqual([400, expect.stringContaining('<h1>Request failed</h1>')]);
  expect(await provider.isActive(tokens.access_token)).toBe(true);
});

test('users without a session get the page of the signed-out state, without scripts', async () => {
  const { status, text, headers } = await new Browser(provider.auth.issuer).visit(signOutUrl());

  expect([status, text]).toEqual([200, expect.stringContaining('<h1>You are signed out</h1>')]);
  expect(text).not.toContain('<script');
  expect(headers.get('content-security-policy')).toContain("default-src 'none'");
});

test('an unregistered redirect URI is refused', async () => {
  const { browser } = await signedIn('openid');

  const { status, url } = await browser.visit(
    signOutUrl({ client_id: client.record.clientId, post_logout_redirect_uri: 'https://evil.example/' }),
  );

  expect([status, new URL(url).origin]).toEqual([400, provider.auth.issuer]);
});
