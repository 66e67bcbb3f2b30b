import type { Browser } from '@rapport/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RunningProvider, type Client, type User } from './running-provider.js';

let provider: RunningProvider;
let client: Client;
let user: User;
let browser: Browser;

beforeAll(async () => {
  provider = await RunningProvider.start();
  client = await provider.newClient();
  user = await provider.newUser(client.caller);
  const { browser: signedIn, page } = await provider.authorize(client);
  await signedIn.submit(page, '/sign-in', { email: user.email, password: user.password });
  browser = signedIn;
});
afterAll(() => provider.stop());

/** Has the user, who is signed in, agree once more. */
async function newTokens(): Promise<{ access: string; refresh: string }> {
  const { page, verifier, state } = await provider.authorize(client, undefined, browser);
  const { url } = await browser.submit(page, '/consent');
  return pairOf(await provider.exchange(client, new URL(url), verifier, state));
}

async function refresh(token: string): Promise<{ access: string; refresh: string }> {
  return pairOf(await provider.refresh(client, token));
}

function pairOf(tokens: { access_token: string; refresh_token?: string }) {
  return { access: tokens.access_token, refresh: tokens.refresh_token ?? '' };
}

/** The tokens that somebody can still use, of those that there are. */
async function usable(...pairs: { access: string; refresh: string }[]): Promise<string[]> {
  const found: string[] = [];
  for (const pair of pairs) {
    if (await provider.isActive(pair.access)) found.push('access');
    if ((await provider.introspect(client, pair.refresh)).active) found.push('refresh');
  }
  return found;
}

const invalidGrant = { error: 'invalid_grant' };

describe('a refresh token', () => {
  test('gives the next one, which gives the next', async () => {
    const first = await newTokens();

    const second = await refresh(first.refresh);
    const third = await refresh(second.refresh);

    expect(new Set([first.refresh, second.refresh, third.refresh]).size).toBe(3);
    expect(await usable(third)).toEqual(['access', 'refresh']);
  });

  test('used 20 times at once succeeds exactly once', async () => {
    const first = await newTokens();

    const answers = await Promise.allSettled(Array.from({ length: 20 }, () => refresh(first.refresh)));

    const refused = answers.filter((answer) => answer.status === 'rejected');
    expect(answers.length - refused.length).toBe(1);
    for (const { reason } of refused) expect(reason).toMatchObject(invalidGrant);
  });

  test('that comes back takes its whole family with it', async () => {
    const first = await newTokens();
    const second = await refresh(first.refresh);
    const third = await refresh(second.refresh);
    expect(await usable(first, second, third)).toEqual(['access', 'access', 'access', 'refresh']);

    await expect(refresh(first.refresh)).rejects.toMatchObject(invalidGrant);

    expect(await usable(first, second, third)).toEqual([]);
    await expect(refresh(third.refresh)).rejects.toMatchObject(invalidGrant);
  });

  test('of one client is none of another', async () => {
    const { refresh: token } = await newTokens();
    const other = await provider.newClient({}, client.caller);

    await expect(provider.refresh(other, token)).rejects.toMatchObject(invalidGrant);
    expect(await provider.introspect(other, token)).toEqual({ active: false });
  });

  test('can not be had for permissions that were not agreed to', async () => {
    const { refresh: token } = await newTokens();
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token, scope: 'customers.write' });

    const { status } = await fetch(provider.server.token_endpoint ?? '', {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${client.record.clientId}:${client.record.secret}`)}` },
      body,
    });

    expect(status).toBe(400);
  });
});

describe('a code', () => {
  test('used 20 times at once succeeds at most once, and what it gave is over', async () => {
    const { page, verifier, state } = await provider.authorize(client, undefined, browser);
    const { url } = await browser.submit(page, '/consent');

    const exchange = () => provider.exchange(client, new URL(url), verifier, state);
    const answers = await Promise.allSettled(Array.from({ length: 20 }, exchange));

    const given = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [pairOf(answer.value)] : []));
    expect(given).toHaveLength(1);
    expect(await usable(...given)).toEqual([]);
  });
});

describe('revocation', () => {
  test('of any token ends them all', async () => {
    for (const kind of ['access', 'refresh'] as const) {
      const first = await newTokens();
      const second = await refresh(first.refresh);

      await provider.revoke(client, second[kind]);

      expect(await usable(first, second), kind).toEqual([]);
    }
  });

  test('leaves nothing behind in 200 races against a refresh', { timeout: 120_000 }, async () => {
    let refreshed = 0;
    const survivors: string[] = [];
    for (let race = 0; race < 200; race += 1) {
      const first = await newTokens();
      const [next] = await Promise.all([
        refresh(first.refresh).catch((error: unknown) => {
          expect(error).toMatchObject(invalidGrant);
          return undefined;
        }),
        provider.revoke(client, race % 2 === 0 ? first.refresh : first.access),
      ]);
      if (next) refreshed += 1;
      survivors.push(...(await usable(first, ...(next ? [next] : []))));
    }

    expect(survivors).toEqual([]);
    // Else the revocation always came first, and nothing was shown.
    expect(refreshed).toBeGreaterThan(0);
    const kinds = ['AccessToken', 'RefreshToken', 'AuthorizationCode'];
    const left = await provider.sql(
      `select kind from oidc_record token where kind = any ($1) and not exists (
        select from oidc_record owner where owner.hash = token.grant_hash)`,
      [kinds],
    );
    expect(left).toEqual([]);
  });
});
