import { Browser } from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { en, type Texts } from '../src/sign-in/texts/en.js';
import { textsFor } from '../src/sign-in/texts/texts.js';
import { zh } from '../src/sign-in/texts/zh.js';
import { RunningProvider, type Client } from './running-provider.js';

let provider: RunningProvider;
let client: Client;

beforeAll(async () => {
  provider = await RunningProvider.shared();
  client = await provider.newClient();
});
afterAll(() => provider.stop());

/** The address of an authorization request in these languages. */
function address(uiLocales?: string): string {
  const url = new URL(provider.server.authorization_endpoint ?? '');
  url.search = new URLSearchParams({
    client_id: client.record.clientId,
    ...{ redirect_uri: client.record.redirectUris[0] ?? '', response_type: 'code', scope: 'openid' },
    ...{ code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256' },
    ...(uiLocales === undefined ? {} : { ui_locales: uiLocales }),
  }).toString();
  return url.href;
}

const languageOf = (text: string) => /<html lang="([^"]+)">/.exec(text)?.[1];

test('an app chooses the language of the pages by ui_locales, and of a form that is refused', async () => {
  const browser = new Browser(provider.auth.issuer);
  const page = await browser.visit(address('fr zh-Hant-TW en'));
  const refused = await browser.submit(page, '/sign-in', { email: 'ada@example.com', password: 'wrong password' });

  for (const { text, headers } of [page, refused]) {
    expect([languageOf(text), headers.get('content-language')]).toEqual(['zh-CN', 'zh-CN']);
    expect(text).toContain('<h1>登录 Acme</h1>');
  }
  expect(refused.text).toContain(zh.refusals['CREDENTIALS_WRONG']);
});

test('a user changes the language on a page, for the pages after it too', async () => {
  const browser = new Browser(provider.auth.issuer);
  const page = await browser.visit(address('en'));

  const chosen = await browser.follow(page, '?lang=zh');
  const next = await browser.visit(address('en'));

  expect([page, chosen, next].map(({ text }) => languageOf(text))).toEqual(['en', 'zh-CN', 'zh-CN']);
  expect(chosen.headers.getSetCookie()).toContainEqual(
    'rapport-language=zh; Path=/oauth; HttpOnly; SameSite=Lax; Max-Age=31536000',
  );
});

test('mails are in the language of the user, else of the page that asked for them', async () => {
  const { caller, user } = await provider.auth.newUser(provider.caller);
  await provider.auth.call('updateAccount', { profile: { locale: 'zh-CN' }, updateMask: ['locale'] }, caller);
  const other = await provider.newUser(provider.caller);
  const browser = new Browser(provider.auth.issuer);
  for (const [email, uiLocales] of [
    [user.email, 'en'],
    [other.email, 'zh'],
  ] as const) {
    const forgotten = await browser.follow(await browser.visit(address(uiLocales)), '/forgotten-password');
    await browser.submit(forgotten, '/forgotten-password', { email });
    await expect.poll(async () => (await provider.auth.mails.to(email)).at(-1)).toContain('重置您的 Rapport 密码');
  }
});

test('the first known language of the first list counts', () => {
  expect(textsFor('de, zh-CN;q=0.8').name).toBe(zh.name);
  expect(textsFor(undefined, null, 'EN-gb').name).toBe(en.name);
  expect(textsFor('constructor', 'tlh').name).toBe(en.name);
});

test('each text differs between the languages', () => {
  const same = (one: object, other: object): string[] =>
    Object.entries(one).flatMap(([name, value]: [string, unknown]) => {
      const twin = (other as Record<string, unknown>)[name];
      if (typeof value === 'object' && value !== null)
        return same(value, twin as object).map((rest) => `${name}.${rest}`);
      return value === twin ? [name] : [];
    });

  expect(same(en, zh satisfies Texts)).toEqual([]);
});
