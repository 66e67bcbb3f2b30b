import type { User as UserMessage } from '@rapport/contracts/rapport/auth/v1/users_service';
import { Browser, type Visited } from '@rapport/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { password } from './running-auth.js';
import { RunningProvider, type Client } from './running-provider.js';

const newPassword = 'plinth walrus dusk';

let provider: RunningProvider;
let client: Client;
let browser: Browser;

beforeAll(async () => {
  provider = await RunningProvider.shared();
  client = await provider.newClient();
});
afterAll(() => provider.stop());
beforeEach(() => {
  browser = new Browser(provider.auth.issuer);
});

/** The page of the newest invitation mail. */
async function openInvitation(invited: UserMessage): Promise<Visited> {
  return browser.visit(
    `${provider.auth.issuer}/oauth/invitation?token=${await provider.auth.mails.tokenTo(invited.email)}`,
  );
}

/** Requests a password reset on the sign-in page. */
async function forget(email: string): Promise<Visited> {
  const { page } = await provider.authorize(client, undefined, browser);
  return browser.submit(await browser.follow(page, '/forgotten-password'), '/forgotten-password', { email });
}

async function openReset(email: string): Promise<Visited> {
  const before = (await provider.auth.mails.to(email)).length;
  await forget(email);
  await expect.poll(async () => (await provider.auth.mails.to(email)).length).toBe(before + 1);
  return browser.visit(
    `${provider.auth.issuer}/oauth/password-reset?token=${await provider.auth.mails.tokenTo(email)}`,
  );
}

async function signIn(email: string, with_: string): Promise<string> {
  const { page } = await provider.authorize(client, undefined, browser);
  return (await browser.submit(page, '/sign-in', { email, password: with_ })).text;
}

/** A field of a page, with its error. */
function fieldOf({ text }: Visited, name: string): { tag: string; problem: string | undefined } {
  const [tag = ''] = new RegExp(`<input\\s+id="${name}"[^>]*>`).exec(text) ?? [];
  const [, problem] = new RegExp(`<p class="problem" id="${name}-problem">([^<]*)</p>`).exec(text) ?? [];
  return { tag, problem };
}

describe('an invitation', () => {
  test('is accepted with name and password, and the account can sign in', async () => {
    const invited = await provider.auth.invite(provider.caller);
    const page = await openInvitation(invited);

    const done = await browser.submit(page, '/invitation', { displayName: 'Ada Lovelace', password: newPassword });

    expect([page.status, page.text]).toEqual([200, expect.stringContaining('<h1>Welcome to Acme</h1>')]);
    expect(fieldOf(page, 'displayName').tag).toContain(`value="${invited.displayName}"`);
    expect([done.status, done.text]).toEqual([200, expect.stringContaining('<h1>Your account is ready</h1>')]);
    expect(await provider.auth.call('getUser', { id: invited.id }, provider.caller)).toMatchObject({
      displayName: 'Ada Lovelace',
    });
    expect(await signIn(invited.email, newPassword)).toContain('<h1>Allow');
  });

  test('is valid once, and GET does not consume it', async () => {
    const invited = await provider.auth.invite(provider.caller);
    const page = await openInvitation(invited);
    const again = await openInvitation(invited);
    const fields = { displayName: 'Ada', password: newPassword };

    expect([page.status, again.status]).toEqual([200, 200]);
    expect((await browser.submit(page, '/invitation', fields)).status).toBe(200);
    for (const over of [await browser.submit(again, '/invitation', fields), await openInvitation(invited)]) {
      expect([over.status, over.text]).toEqual([400, expect.stringContaining('<h1>This link no longer works</h1>')]);
    }
  });

  test.each([
    ['short', 'must have at least 8 characters.'],
    ['x'.repeat(129), 'must have at most 128 characters.'],
    ['qwertyuiop', 'is one of the most common passwords.'],
    ['', 'is required.'],
  ])('shows the error of the password %j next to the field, and not the password', async (wrong, problem) => {
    const page = await openInvitation(await provider.auth.invite(provider.caller));

    const again = await browser.submit(page, '/invitation', { displayName: 'Grace <Hopper>', password: wrong });

    const { tag, problem: shown } = fieldOf(again, 'password');
    expect([again.status, shown]).toEqual([400, `This ${problem}`]);
    expect(tag).toContain('aria-invalid="true"');
    expect(tag).toContain('aria-describedby="password-hint password-problem"');
    expect(tag).not.toContain('value=');
    expect(fieldOf(again, 'displayName').tag).toContain('value="Grace &#60;Hopper&#62;"');
    expect((await browser.submit(again, '/invitation', { displayName: 'Grace', password: newPassword })).status).toBe(
      200,
    );
  });
});

describe('a password reset', () => {
  test('changes the password once, and ends all sessions', async () => {
    const user = await provider.newUser();
    const tokens = await provider.signIn(client, user);
    const page = await openReset(user.email);

    const done = await browser.submit(page, '/password-reset', { password: newPassword });
    const again = await browser.submit(page, '/password-reset', { password: 'walrus dusk plinth' });

    expect([page.status, done.status, again.status]).toEqual([200, 200, 400]);
    expect(again.text).toContain('<h1>This link no longer works</h1>');
    expect(await provider.isActive(tokens.access_token)).toBe(false);
    expect(await signIn(user.email, password)).toContain('is wrong');
    expect(await signIn(user.email, newPassword)).toContain('<h1>Allow');
  });

  test('shows the error next to the field, and the link stays valid', async () => {
    const page = await openReset((await provider.newUser()).email);

    const again = await browser.submit(page, '/password-reset', { password: 'qwertyuiop' });

    expect(fieldOf(again, 'password').problem).toBe('This is one of the most common passwords.');
    expect((await browser.submit(again, '/password-reset', { password: newPassword })).status).toBe(200);
  });

  test('responds alike for existing and unknown accounts', async () => {
    const user = await provider.newUser();
    const answers = await Promise.all([user.email, 'nobody@example.com'].map((email) => forget(email)));

    const pages = answers.map(({ status, text }) => [status, text.replaceAll(/interactions\/[\w-]+/g, '')]);
    expect(pages[0]).toEqual([200, expect.stringContaining('If an account with this address exists')]);
    expect(pages[1]).toEqual(pages[0]);
    expect(await provider.auth.mails.to('nobody@example.com')).toEqual([]);
  });

  test('sends at most three mails an hour, and responds alike for every address', async () => {
    const user = await provider.newUser();
    for (const email of [user.email, 'unknown@example.com']) {
      for (let time = 0; time < 3; time += 1) expect((await forget(email)).status).toBe(200);
      const refused = await forget(email);
      expect([refused.status, fieldOf(refused, 'email').problem]).toEqual([429, 'Too many attempts. Try again later.']);
    }
  });

  test('shows an invalid e-mail address next to the field', async () => {
    const again = await forget('ada at example');

    expect([again.status, fieldOf(again, 'email').problem]).toEqual([400, 'This must be an e-mail address.']);
  });
});

describe('the pages behind the links of mails', () => {
  test('send no referrer with the token, are not cached, and run no scripts', async () => {
    const page = await openInvitation(await provider.auth.invite(provider.caller));

    expect(page.headers.get('referrer-policy')).toBe('strict-origin');
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(page.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
    );
    expect(page.text).not.toMatch(/<script|javascript:|\son\w+=|(?:src|href)="https?:/i);
    for (const [, id = ''] of page.text.matchAll(/<input\s+id="(\w+)"/g)) expect(page.text).toContain(`for="${id}"`);
  });

  test('refuse forms from another site', async () => {
    const page = await openInvitation(await provider.auth.invite(provider.caller));
    const fields = { displayName: 'Ada', password: newPassword };

    for (const origin of ['https://evil.example', 'null']) {
      expect((await browser.submit(page, '/invitation', fields, origin)).status).toBe(403);
    }
    expect((await browser.submit(page, '/invitation', fields)).status).toBe(200);
  });

  test.each(['invitation', 'password-reset'])('of %s respond to a token of any form', async (name) => {
    for (const token of ['', 'x', 'A'.repeat(64), '%00'.repeat(64), `${'A'.repeat(64)}'`]) {
      const { status, text } = await browser.visit(`${provider.auth.issuer}/oauth/${name}?token=${token}`);
      expect([status, text]).toEqual([400, expect.stringContaining('<h1>This link no longer works</h1>')]);
    }
  });
});
