import { Browser, sharedPlatform, type Visited } from '@rapport/testing';
import * as client from 'openid-client';
import { beforeAll, expect, inject, it } from 'vitest';
import { ApiClient } from './api-client.ts';
import { mailedLink, newPerson, type Person } from './people.ts';
import { untilRefused } from './until-refused.ts';

const redirectUri = 'https://app.example.com/callback';

const platform = await sharedPlatform(inject('platformUrl'));
let api: ApiClient;
let ada: Person;
/** An OAuth client, with a third-party library as its program. */
let app: App;
/** A public one. */
let publicApp: App;

interface App {
  id: string;
  configuration: client.Configuration;
}

beforeAll(async () => {
  api = await ApiClient.connect(platform.edgeUrl, (await platform.createTenant('Acme')).apiKey);
  ada = await newPerson(platform, api);
  [app, publicApp] = [await newApp(true), await newApp(false)];
}, 120_000);

async function newApp(confidential: boolean): Promise<App> {
  const { body } = await api.send('POST', '/v1/oauthClients', {
    body: {
      displayName: 'Mail add-on',
      confidential,
      redirectUris: [redirectUri],
      grantTypes: ['AUTHORIZATION_CODE', 'REFRESH_TOKEN'],
      permissions: ['customers.read', 'account.read', 'account.write'],
    },
  });
  const { id, clientId, secret } = body as { id: string; clientId: string; secret?: string };
  const insecure = { execute: [client.allowInsecureRequests] };
  return {
    id,
    configuration: await client.discovery(new URL(platform.edgeUrl), clientId, secret, undefined, insecure),
  };
}

/** Parameters of a program's authorization request and of the exchange after it. */
async function authorization(scope: string, { configuration } = app) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const expectedState = client.randomState();
  const url = client.buildAuthorizationUrl(configuration, {
    redirect_uri: redirectUri,
    scope,
    state: expectedState,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    ...(scope.includes('offline_access') ? { prompt: 'consent' } : {}),
  });
  return { url: url.href, checks: { pkceCodeVerifier, expectedState } };
}

/** Signs in and consents on the edge's pages, and exchanges the code as the program. */
async function signIn(
  { email, password }: Person,
  scope = 'openid offline_access customers.read account.read account.write',
  browser = new Browser(platform.edgeUrl),
  by = app,
) {
  const { url, checks } = await authorization(scope, by);
  const asked = await browser.submit(await browser.visit(url), '/sign-in', { email, password });
  const { url: callback } = await browser.submit(asked, '/consent');
  const tokens = await client.authorizationCodeGrant(by.configuration, new URL(callback), checks);
  return { access: tokens.access_token, refresh: tokens.refresh_token ?? '', idToken: tokens.id_token ?? '' };
}

async function call(method: string, path: string, token: string) {
  const { status } = await fetch(`${platform.edgeUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
  });
  return status;
}

async function untilNoneIsGood(...tokens: string[]): Promise<void> {
  await Promise.all(tokens.map((token) => untilRefused(() => call('GET', '/v1/customers', token))));
}

it('a third-party library signs a user in on our pages, refreshes, introspects and revokes', async () => {
  const first = await signIn(ada);
  expect(await call('GET', '/v1/customers', first.access)).toBe(200);
  expect(await call('GET', '/v1/users', first.access)).toBe(403);

  const { access_token: access, refresh_token: refresh = '' } = await client.refreshTokenGrant(
    app.configuration,
    first.refresh,
  );
  expect(await client.tokenIntrospection(app.configuration, access)).toMatchObject({ active: true, sub: ada.id });
  expect(await call('GET', '/v1/customers', access)).toBe(200);

  await client.tokenRevocation(app.configuration, refresh);
  await untilNoneIsGood(access);
  expect(await client.tokenIntrospection(app.configuration, access)).toMatchObject({ active: false });
});

it('a refresh token of a public client used 20 times at once succeeds once, and its whole family stops working', async () => {
  const first = await signIn(ada, undefined, undefined, publicApp);
  expect(await call('GET', '/v1/customers', first.access)).toBe(200);

  const uses = Array.from({ length: 20 }, () => client.refreshTokenGrant(publicApp.configuration, first.refresh));
  const answers = await Promise.allSettled(uses);

  const given = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value.access_token] : []));
  expect(given).toHaveLength(1);
  await untilNoneIsGood(first.access, ...given);
});

it('a replay of a public client revokes a token family that is cached at the edge', async () => {
  const first = await signIn(ada, undefined, undefined, publicApp);
  const { access_token: second } = await client.refreshTokenGrant(publicApp.configuration, first.refresh);
  for (const token of [first.access, second]) expect(await call('GET', '/v1/customers', token)).toBe(200);

  await expect(client.refreshTokenGrant(publicApp.configuration, first.refresh)).rejects.toMatchObject({
    error: 'invalid_grant',
  });

  await untilNoneIsGood(first.access, second);
});

it('a user disconnects an app, whose tokens stop working', async () => {
  const { access } = await signIn(ada);
  const headers = { authorization: `Bearer ${access}` };
  const listed = await fetch(`${platform.edgeUrl}/v1/connectedApps`, { headers });
  expect(await listed.json()).toMatchObject({ connectedApps: [{ id: app.id, displayName: 'Mail add-on' }] });

  expect(await call('DELETE', `/v1/connectedApps/${app.id}`, access)).toBe(204);

  await untilNoneIsGood(access);
});

it('a user signs out of the browser, and of all apps bound to that session', async () => {
  const browser = new Browser(platform.edgeUrl);
  const { access, idToken } = await signIn(ada, 'openid customers.read', browser);
  const url = client.buildEndSessionUrl(app.configuration, { id_token_hint: idToken });

  const { text } = await browser.submit(await browser.visit(url.href), '/logout/confirm', { logout: 'yes' });

  expect(text).toContain('You are signed out');
  await untilNoneIsGood(access);
});

it('a user who has forgotten the password sets a new one with the link of a mail', async () => {
  const grace = await newPerson(platform, api);
  const browser = new Browser(platform.edgeUrl);
  const forgotten = await browser.follow(
    await browser.visit((await authorization('openid')).url),
    '/forgotten-password',
  );
  await browser.submit(forgotten, '/forgotten-password', { email: grace.email });
  const page = await browser.visit(await mailedLink(platform, grace.email, 2));

  const { text } = await browser.submit(page, '/password-reset', { password: 'plinth walrus dusk' });

  expect(text).toContain('Your password is changed');
  expect((await tryPassword(grace.email, grace.password)).status).toBe(401);
  expect((await tryPassword(grace.email, 'plinth walrus dusk')).text).toContain('<h1>Allow');
});

async function tryPassword(email: string, password: string): Promise<Visited> {
  const browser = new Browser(platform.edgeUrl);
  return browser.submit(await browser.visit((await authorization('openid')).url), '/sign-in', { email, password });
}
