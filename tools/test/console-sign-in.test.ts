import { sharedPlatform, type Tenant } from '@rapport/testing';
import { Secret, TOTP } from 'otpauth';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { ApiClient } from './api-client.ts';
import { ConsoleUser, ofConsole, openSignIn } from './console-user.ts';
import { newPerson, type Person } from './people.ts';
import { untilRefused } from './until-refused.ts';

const workspace = `acme-${crypto.randomUUID().slice(0, 8)}`;

const platform = await sharedPlatform(inject('platformUrl'));
let tenant: Tenant;
let api: ApiClient;
let ada: Person;

beforeAll(async () => {
  tenant = await platform.createTenant('Acme', undefined, workspace);
  api = await ApiClient.connect(platform.edgeUrl, tenant.apiKey);
  ada = await newPerson(platform, api, ['admin']);
}, 120_000);

const signIn = (options?: { code?: string; query?: string }) =>
  ConsoleUser.signIn(platform.edgeUrl, workspace, ada, options);

describe('a session of the console', () => {
  test('has the user, the workspace and the permissions of the user, and no token in any answer', async () => {
    const user = await signIn();
    const answer = await user.call('GET', '/console/session');
    const text = await answer.text();

    expect(answer.status, text).toBe(200);
    expect(JSON.parse(text)).toMatchObject({
      user: { id: ada.id, name: 'Ada Lovelace', email: ada.email },
      workspace: { id: tenant.tenantId, name: 'Acme', slug: workspace },
      permissions: expect.arrayContaining(['customers.read', 'users.write']) as string[],
      locale: 'en',
    });
    expect(text).not.toMatch(/eyJ/);
    expect((await user.call('GET', '/v1/customers')).status).toBe(200);
  });

  test('is in a cookie that no script, no other site and, over https, no other host and no plain connection gets', async () => {
    const { setCookies, landedAt } = await signIn({ query: '&return=/customers%3Fq%3Dada%23top' });

    expect(landedAt).toBe(`${platform.edgeUrl}/customers?q=ada#top`);
    expect(setCookies.map((line) => line.replace(/=eyJ[\w-]+\.\.[\w.-]+/, '=…'))).toEqual([
      'rapport-console-sign-in=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0',
      'rapport-console=…; Path=/; HttpOnly; SameSite=Strict; Max-Age=1800',
    ]);
  });

  test.each([
    ...['//evil.example', 'https://evil.example', '/\\evil.example', 'javascript:alert(1)', '/%09/evil.example'],
    ...['/.//evil.example', '/x/..//evil.example', '/%2e//evil.example'],
  ])('does not lead to %s after the sign-in', async (wanted) => {
    const { landedAt } = await signIn({ query: `&return=${encodeURIComponent(wanted)}` });

    expect(new URL(landedAt).origin).toBe(platform.edgeUrl);
  });

  test('needs the header and the origin of the console, for reads too', async () => {
    const user = await signIn();
    const changes = [{}, { 'sec-fetch-site': 'same-origin' }, { 'rapport-console': '1' }];
    const refused = [
      ...changes,
      { ...ofConsole, 'sec-fetch-site': 'same-site' },
      { ...ofConsole, 'sec-fetch-site': 'none' },
    ];
    for (const headers of refused) {
      expect((await user.call('GET', '/v1/customers', { headers })).status).toBe(401);
      expect((await user.call('GET', '/console/session', { headers })).status).toBe(401);
      expect((await user.call('POST', '/v1/customers', { headers, body: { givenName: 'Eve' } })).status).toBe(401);
      expect((await user.call('POST', '/console/sign-out', { headers })).status).toBe(401);
    }

    expect((await user.call('GET', '/console/session')).status).toBe(200);
    const listed = await user.call('GET', '/v1/customers?q=eve');
    expect(await listed.json()).toMatchObject({ customers: [] });
  });

  test('is not looked at beside an Authorization header', async () => {
    const user = await signIn();

    const answer = await user.call('GET', '/v1/customers', {
      headers: { ...ofConsole, authorization: 'Bearer wrong' },
    });

    expect(answer.status).toBe(401);
  });

  test('is refused when it is changed, or of another purpose', async () => {
    const user = await signIn();
    const { page, browser } = await openSignIn(platform.edgeUrl, `workspace=${workspace}`);
    expect(page.status).toBe(200);
    const pending = browser.cookies.find((value) => value.startsWith('eyJ')) ?? '';
    const [head = '', ...rest] = user.cookie.split('.');
    const swapped = [head, ...rest.slice(0, -1), 'AAAAAAAAAAAAAAAAAAAAAA'].join('.');
    for (const cookie of [pending, swapped, 'x', '']) {
      const headers = { ...ofConsole, cookie: `rapport-console=${cookie}` };
      expect((await fetch(`${platform.edgeUrl}/console/session`, { headers })).status).toBe(401);
    }
  });

  test('ends everywhere with a sign-out', async () => {
    const user = await signIn();
    const [here, there = ''] = platform.edgeUrls;
    for (const edgeUrl of [here, there])
      expect((await user.call('GET', '/v1/customers', { edgeUrl })).status).toBe(200);

    const out = await user.call('POST', '/console/sign-out');

    expect([out.status, out.headers.getSetCookie()]).toEqual([
      204,
      ['rapport-console=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0'],
    ]);
    expect((await user.call('GET', '/v1/customers')).status).toBe(401);
    await untilRefused(async () => (await user.call('GET', '/v1/customers', { edgeUrl: there })).status);
    expect((await user.call('GET', '/console/session', { edgeUrl: there })).status).toBe(401);
    const recorded = await api.send('GET', '/v1/securityEvents?pageSize=1');
    expect(recorded.body).toMatchObject({ entries: [{ kind: 'SESSION_ENDED', actor: `user:${ada.id}` }] });
  });

  test('ends when an admin ends it elsewhere', async () => {
    const user = await signIn();
    const { body } = await api.send('GET', `/v1/sessions?userId=${ada.id}`);
    const [newest] = (body as { sessions: { id: string }[] }).sessions;
    expect((await user.call('GET', '/v1/customers')).status).toBe(200);

    expect((await api.send('DELETE', `/v1/sessions/${newest?.id}`)).status).toBe(204);

    await untilRefused(async () => (await user.call('GET', '/v1/customers')).status);
    expect((await user.call('GET', '/console/session')).status).toBe(401);
  });

  test('survives edges that refresh its tokens at the same moment', async () => {
    const user = await signIn();
    const headers = { ...ofConsole, 'cache-control': 'no-cache' };
    const refresh = (edgeUrl: string) => user.call('GET', '/console/session', { headers, edgeUrl });

    const answers = await Promise.all(Array.from({ length: 10 }, () => platform.edgeUrls.map(refresh)).flat());

    expect(platform.edgeUrls.length).toBeGreaterThan(1);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    for (const edgeUrl of platform.edgeUrls) {
      expect((await refresh(edgeUrl)).status).toBe(200);
      expect((await user.call('GET', '/v1/customers', { edgeUrl })).status).toBe(200);
    }
  });

  test('manages API keys and OAuth clients within the rights of the user', async () => {
    const admin = await signIn();
    const reader = await ConsoleUser.signIn(platform.edgeUrl, workspace, await newPerson(platform, api));
    const key = { displayName: 'Nightly import', permissions: ['customers.read'] };
    const client = {
      displayName: 'Report',
      confidential: true,
      grantTypes: ['CLIENT_CREDENTIALS'],
      permissions: ['customers.read'],
    };

    expect((await admin.call('POST', '/v1/apiKeys', { body: key })).status).toBe(201);
    const made = await admin.call('POST', '/v1/oauthClients', { body: client });
    expect(made.status).toBe(201);
    const { id } = (await made.json()) as { id: string };
    expect((await admin.call('DELETE', `/v1/oauthClients/${id}`)).status).toBe(204);
    expect((await reader.call('POST', '/v1/apiKeys', { body: key })).status).toBe(403);
  });

  test('takes a code of the authenticator app when the user has one', async () => {
    const grace = await newPerson(platform, api, ['admin']);
    const user = await ConsoleUser.signIn(platform.edgeUrl, workspace, grace);
    const enrolled = await user.call('POST', '/v1/account:enrollTotp', { body: { currentPassword: grace.password } });
    const { secret } = (await enrolled.json()) as { secret: string };
    const totp = new TOTP({ secret: Secret.fromBase32(secret) });
    const code = totp.generate();
    expect((await user.call('POST', '/v1/account:confirmTotp', { body: { code } })).status).toBe(200);

    const { browser, page } = await openSignIn(platform.edgeUrl, `workspace=${workspace}`);
    const asked = await browser.submit(page, '/sign-in', { workspace, email: grace.email, password: grace.password });
    // A code is valid once.
    const next = totp.generate({ timestamp: Date.now() + 30_000 });
    const signedIn = await ConsoleUser.signIn(platform.edgeUrl, workspace, grace, { code: next });

    expect([asked.status, asked.text]).toEqual([401, expect.stringContaining('authenticator app')]);
    expect((await signedIn.call('GET', '/console/session')).status).toBe(200);
  });
});

describe('the sign-in', () => {
  test('to an unknown workspace looks like one to a known workspace', async () => {
    const [known, unknown] = await Promise.all(
      [workspace, 'none-at-all'].map(async (name) => {
        const { browser, page } = await openSignIn(platform.edgeUrl, `workspace=${name}`);
        const email = `${crypto.randomUUID()}@example.com`;
        const wrong = await browser.submit(page, '/sign-in', {
          workspace: name,
          email,
          password: 'dust jigsaw plinth',
        });
        const text = (from: string) =>
          from
            .replaceAll(name, '…')
            .replaceAll(email, '…')
            .replaceAll(/interactions\/[\w-]+/g, '…');
        return [page.status, text(page.text), wrong.status, text(wrong.text)];
      }),
    );

    expect(known).toEqual(unknown);
    expect(known?.[2]).toBe(401);
  });

  test('of one browser can not be finished in another', async () => {
    const { browser, page } = await openSignIn(platform.edgeUrl, `workspace=${workspace}`);
    const { url } = await browser.submit(page, '/sign-in', { workspace, email: ada.email, password: ada.password });
    const { browser: other } = await openSignIn(platform.edgeUrl, `workspace=${workspace}`);

    const answers = [await fetch(url, { redirect: 'manual' }), await other.visit(url)];

    for (const { status, headers } of answers) {
      expect([status, headers.get('location')]).toEqual([303, '/']);
      expect(headers.getSetCookie().filter((line) => line.startsWith('rapport-console='))).toEqual([]);
    }
  });

  test('is the client of the edge only: nobody else can exchange its codes or tokens', async () => {
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x', client_id: 'console' });
    for (const headers of [{}, { 'x-rapport-own-request': 'true' }]) {
      const answer = await fetch(`${platform.edgeUrl}/oauth/token`, { method: 'POST', headers, body });
      expect([answer.status, await answer.json()]).toEqual([401, expect.objectContaining({ error: 'invalid_client' })]);
    }
    const metadata = await fetch(`${platform.edgeUrl}/.well-known/openid-configuration`);
    expect(await metadata.text()).not.toContain('tls_client_auth');
  });

  test('leaves no client that a workspace could list, change or delete, and no app that a user could disconnect', async () => {
    await signIn();
    const id = '00000000-0000-7000-8000-000000000001';

    expect((await api.send('GET', '/v1/oauthClients')).body).toMatchObject({ oauthClients: [] });
    expect((await api.send('GET', `/v1/oauthClients/${id}`)).status).toBe(404);
    expect((await api.send('DELETE', `/v1/oauthClients/${id}`)).status).toBe(404);
    expect(await (await (await signIn()).call('GET', '/v1/connectedApps')).json()).toMatchObject({ connectedApps: [] });
  });
});
