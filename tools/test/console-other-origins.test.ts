import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sharedPlatform } from '@rapport/testing';
import { Secret, TOTP } from 'otpauth';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { ApiClient } from './api-client.ts';
import { ConsoleUser } from './console-user.ts';
import { newPerson, type Person } from './people.ts';
import { sharedChromium } from './shared-chromium.ts';

type Browser = Awaited<ReturnType<typeof sharedChromium>>;
type Context = Awaited<ReturnType<Browser['newContext']>>;
type Page = Awaited<ReturnType<Browser['newPage']>>;

const workspace = `acme-${crypto.randomUUID().slice(0, 8)}`;
const timeout = 300_000;

const platform = await sharedPlatform(inject('platformUrl'));
let api: ApiClient;
let apiKey: string;
let ada: Person;
let browser: Browser;
/** A server of an attacker, with a page for each path. */
let attacker: Server;
/** Its origins: of the console's own site (a site has no port), and of another one. */
let origins: string[];

beforeAll(async () => {
  ({ apiKey } = await platform.createTenant('Acme', undefined, workspace));
  api = await ApiClient.connect(platform.edgeUrl, apiKey);
  ada = await newPerson(platform, api, ['admin']);
  browser = await sharedChromium();
  attacker = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>evil</title><body></body>');
  });
  await new Promise<void>((resolve) => attacker.listen(0, '127.0.0.1', resolve));
  const { port } = attacker.address() as AddressInfo;
  origins = [`http://127.0.0.1:${port}`, `http://localhost:${port}`];
}, 600_000);

afterAll(() => {
  attacker?.closeAllConnections();
  attacker?.close();
});

/** A context whose pages do not run the program of the console, which takes a second each time. */
async function withoutProgram(): Promise<Context> {
  const context = await browser.newContext();
  await context.route('**/assets/*', (route) => route.abort());
  return context;
}

/** A page of the console, in which Ada has signed in. */
async function signedIn(context: Context): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(timeout);
  await page.goto(`${platform.edgeUrl}/console/sign-in?workspace=${workspace}`);
  await page.getByLabel('E-mail address').fill(ada.email);
  await page.getByLabel('Password').fill(ada.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL(`${platform.edgeUrl}/`);
  return page;
}

/** The status of a call by a script of the page that is open. Text when the browser gives no answer. */
function call(target: Page, path: string, init: object = {}): Promise<string> {
  const url = platform.edgeUrl + path;
  const source = `fetch(${JSON.stringify(url)}, ${JSON.stringify(init)}).then(({ status }) => String(status), ({ name }) => name)`;
  return target.evaluate<string>(source);
}

const ofConsole = { headers: { 'Rapport-Console': '1' } };

test('a page of the console uses its session, and its scripts find no token anywhere', { timeout }, async () => {
  const context = await browser.newContext();
  const page = await signedIn(context);
  expect(await call(page, '/console/session', ofConsole)).toBe('200');
  expect(await call(page, '/v1/customers', ofConsole)).toBe('200');
  expect(await call(page, '/v1/customers')).toBe('401');

  const found = await page.evaluate<string>(`(async () => JSON.stringify([
    document.cookie, { ...localStorage }, { ...sessionStorage }, await indexedDB.databases(), Object.keys(window).join(),
    await (await fetch('/console/session', ${JSON.stringify(ofConsole)})).text(),
  ]))()`);
  expect(found).not.toMatch(/eyJ|rapport-console/);
  expect(await page.content()).not.toMatch(/eyJ[\w-]+\.[\w-]*\./);
  const cookies = await context.cookies();
  const session = cookies.find(({ name }) => name === 'rapport-console');
  expect(session).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/', domain: '127.0.0.1', secure: false });
  expect(cookies.map(({ name }) => name)).not.toContain('rapport-console-sign-in');
  await context.close();
});

test('a person signs in with a code of the authenticator app, and no answer has a token', { timeout }, async () => {
  const grace = await newPerson(platform, api, ['admin']);
  const user = await ConsoleUser.signIn(platform.edgeUrl, workspace, grace);
  const proof = { currentPassword: grace.password };
  const enrolled = await (await user.call('POST', '/v1/account:enrollTotp', { body: proof })).json();
  const totp = new TOTP({ secret: Secret.fromBase32((enrolled as { secret: string }).secret) });
  await user.call('POST', '/v1/account:confirmTotp', { body: { code: totp.generate() } });
  const context = await withoutProgram();
  const own = await context.newPage();
  own.setDefaultTimeout(timeout);
  const seen: string[] = [];
  await own.goto(`${platform.edgeUrl}/console/sign-in?workspace=${workspace}`);
  await own.getByLabel('E-mail address').fill(grace.email);
  await own.getByLabel('Password').fill(grace.password);
  await own.getByRole('button', { name: 'Sign in' }).click();
  await own.getByRole('alert').waitFor();
  seen.push(await own.content());
  await own.getByLabel('Password').fill(grace.password);
  // A code is valid once, and the last one was used.
  await own.getByLabel('Code of your authenticator app').fill(totp.generate({ timestamp: Date.now() + 30_000 }));
  await own.getByRole('button', { name: 'Sign in' }).click();
  await own.waitForURL(`${platform.edgeUrl}/`);

  expect(await call(own, '/console/session', ofConsole)).toBe('200');
  expect(await call(own, '/v1/customers', ofConsole)).toBe('200');
  seen.push(await own.content());
  for (const path of ['/console/session', '/v1/customers', '/v1/account', '/v1/sessions']) {
    const source = `fetch('${path}', ${JSON.stringify(ofConsole)}).then((answer) => answer.text())`;
    seen.push(await own.evaluate<string>(source));
  }
  expect(seen.join()).toContain(grace.email);
  expect(seen.join()).not.toMatch(/eyJ[\w-]+\.[\w-]*\./);
  expect(await call(own, '/console/sign-out', { ...ofConsole, method: 'POST' })).toBe('204');
  expect(await call(own, '/v1/customers', ofConsole)).toBe('401');
  expect((await context.cookies()).map(({ name }) => name)).not.toContain('rapport-console');
  await context.close();
});

describe('a page of another origin', () => {
  const write = { method: 'POST', credentials: 'include', body: '{"givenName":"Eve"}' };
  const json = { 'content-type': 'application/json' };
  let page: Page;

  // What protects the pages of the console is in their headers. No test ends the session: its last call shows it.
  beforeAll(async () => {
    const context = await withoutProgram();
    page = await signedIn(context);
    return () => context.close();
  }, timeout);
  afterEach(async () => {
    for (const other of page.context().pages()) if (other !== page) await other.close();
  });

  test.each([0, 1])('can not use the session, nor change anything (%i)', { timeout }, async (index) => {
    const evil = await page.context().newPage();
    await evil.goto(origins[index]!);

    // A preflight refuses what a script may not send, and what it may send is refused by the edge: no answer can be read.
    expect(await call(evil, '/v1/customers', { credentials: 'include' })).toBe('TypeError');
    expect(await call(evil, '/console/session', { credentials: 'include', ...ofConsole })).toBe('TypeError');
    expect(await call(evil, '/v1/customers', { ...write, headers: { ...json, ...ofConsole.headers } })).toBe(
      'TypeError',
    );
    expect(await call(evil, '/v1/customers', { ...write, mode: 'no-cors' })).toMatch(/^(0|TypeError)$/);
    expect(await call(evil, '/console/sign-out', { ...write, mode: 'no-cors' })).toMatch(/^(0|TypeError)$/);
    expect(
      await evil.evaluate<string>(`new Promise((resolve) => {
      const image = new Image();
      image.onload = () => resolve('loaded');
      image.onerror = () => resolve('refused');
      image.src = '${platform.edgeUrl}/v1/customers';
    })`),
    ).toBe('refused');
    expect(
      await evil.evaluate<string>(`new Promise((resolve) => {
      const source = new EventSource('${platform.edgeUrl}/v1/changes', { withCredentials: true });
      source.onopen = () => resolve('open');
      source.onerror = () => resolve('refused');
    })`),
    ).toBe('refused');

    // A frame shows nothing, and a window has no opener and can not be read.
    expect(
      await evil.evaluate<string>(`new Promise((resolve) => {
      const frame = document.createElement('iframe');
      frame.src = '${platform.edgeUrl}/';
      frame.onload = () => { try { resolve(frame.contentDocument === null ? 'hidden' : 'empty'); } catch { resolve('hidden'); } };
      document.body.append(frame);
    })`),
    ).toBe('hidden');
    const [frame] = evil.mainFrame().childFrames();
    expect(await frame?.evaluate<string>('location.href')).toMatch(/^chrome-error:/);
    const [opened] = await Promise.all([
      page.context().waitForEvent('page'),
      evil.evaluate(`void (window.other = window.open('${platform.edgeUrl}/'))`),
    ]);
    await opened.waitForURL(`${platform.edgeUrl}/`);
    expect(await opened.evaluate('window.opener === null')).toBe(true);
    expect(
      await evil.evaluate(
        `(() => { try { return String(window.other.document.title); } catch { return 'closed'; } })()`,
      ),
    ).not.toBe('Rapport');

    for (const path of ['/v1/customers', '/console/sign-out']) {
      const posting = await page.context().newPage();
      await posting.goto(origins[index]!);
      const form = `<form method="post" enctype="text/plain" action="${platform.edgeUrl}${path}"><input name="a" value="b"></form>`;
      await posting.setContent(form);
      const [answer] = await Promise.all([
        posting.waitForResponse((response) => response.url() === platform.edgeUrl + path),
        posting.evaluate('document.forms[0].submit()'),
      ]);
      expect([401, 415, 400]).toContain(answer.status());
    }

    expect(await call(page, '/console/session', ofConsole)).toBe('200');
    const { body } = await api.send('GET', '/v1/customers');
    expect(body).toMatchObject({ customers: [] });
  });

  test('uses the API with a token of its own when the workspace has registered the origin', { timeout }, async () => {
    const [, origin = ''] = origins;
    const evil = await page.context().newPage();
    await evil.goto(origin);
    const asking = { headers: { authorization: `Bearer ${apiKey}` } };
    expect(await call(evil, '/v1/customers', asking)).toBe('TypeError');

    await api.send('POST', '/v1/oauthClients', {
      body: {
        ...{ displayName: 'Board', confidential: true, grantTypes: ['CLIENT_CREDENTIALS'] },
        ...{ permissions: ['customers.read'], allowedOrigins: [origin] },
      },
    });

    await expect.poll(() => call(evil, '/v1/customers', asking), { timeout: 60_000 }).toBe('200');
    // The registration is for tokens: it does not open the session to the origin.
    expect(await call(evil, '/v1/customers', { credentials: 'include', ...ofConsole })).toBe('TypeError');
  });
});
