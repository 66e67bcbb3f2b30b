import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConsentingUser } from './consenting-user.js';
import { publicClient, RunningProvider } from './running-provider.js';

let provider: RunningProvider;
/** Of a confidential client, and of a public one. */
let user: ConsentingUser;
let ofPublic: ConsentingUser;

beforeAll(async () => {
  provider = await RunningProvider.shared();
  user = await ConsentingUser.of(provider);
  ofPublic = await ConsentingUser.of(provider, publicClient);
});
afterAll(() => provider.stop());

const invalidGrant = { error: 'invalid_grant' };

describe('a refresh token of a public client', () => {
  test('returns the next one, which returns the next', async () => {
    const first = await ofPublic.newTokens();

    const second = await ofPublic.refresh(first.refresh);
    const third = await ofPublic.refresh(second.refresh);

    expect(new Set([first.refresh, second.refresh, third.refresh]).size).toBe(3);
    expect(await ofPublic.usable(third)).toEqual(['access', 'refresh']);
  });

  test('used 20 times at once succeeds exactly once', async () => {
    const first = await ofPublic.newTokens();

    const answers = await Promise.allSettled(Array.from({ length: 20 }, () => ofPublic.refresh(first.refresh)));

    const refused = answers.filter((answer) => answer.status === 'rejected');
    expect(answers.length - refused.length).toBe(1);
    for (const { reason } of refused) expect(reason).toMatchObject(invalidGrant);
  });

  test('that is reused revokes its whole family', async () => {
    const first = await ofPublic.newTokens();
    const second = await ofPublic.refresh(first.refresh);
    const third = await ofPublic.refresh(second.refresh);
    expect(await ofPublic.usable(first, second, third)).toEqual(['access', 'access', 'access', 'refresh']);

    await expect(ofPublic.refresh(first.refresh)).rejects.toMatchObject(invalidGrant);

    expect(await ofPublic.usable(first, second, third)).toEqual([]);
    await expect(ofPublic.refresh(third.refresh)).rejects.toMatchObject(invalidGrant);
  });
});

describe('a refresh token', () => {
  test('of a confidential client stays the same, also when 20 of its processes use it at once', async () => {
    const first = await user.newTokens();

    const pairs = await Promise.all(Array.from({ length: 20 }, () => user.refresh(first.refresh)));

    expect(new Set(pairs.map(({ refresh }) => refresh))).toEqual(new Set([first.refresh]));
    expect(new Set(pairs.map(({ access }) => access)).size).toBe(20);
    expect(await user.usable(pairs[0]!, pairs[19]!)).toEqual(['access', 'refresh', 'access', 'refresh']);
    await user.revoke(first.refresh);
    expect(await user.usable(...pairs)).toEqual([]);
  });

  test('of one client is refused for another', async () => {
    const { refresh: token } = await user.newTokens();
    const other = await provider.newClient({}, user.client.caller);

    await expect(provider.refresh(other, token)).rejects.toMatchObject(invalidGrant);
    expect(await provider.introspect(other, token)).toEqual({ active: false });
  });

  test('cannot exceed the permissions of the consent', async () => {
    const { refresh: token } = await user.newTokens();
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token, scope: 'customers.write' });

    const { status } = await fetch(provider.server.token_endpoint ?? '', {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${user.client.record.clientId}:${user.client.record.secret}`)}` },
      body,
    });

    expect(status).toBe(400);
  });
});

describe('a code', () => {
  test('used 20 times at once succeeds at most once, and its tokens are revoked', async () => {
    const exchange = await user.newCode();

    const answers = await Promise.allSettled(Array.from({ length: 20 }, exchange));

    const given = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
    expect(given).toHaveLength(1);
    expect(await user.usable(...given)).toEqual([]);
  });
});

describe('revocation', () => {
  test('of any token ends all tokens of the grant', async () => {
    for (const kind of ['access', 'refresh'] as const) {
      const first = await user.newTokens();
      const second = await user.refresh(first.refresh);

      await user.revoke(second[kind]);

      expect(await user.usable(first, second), kind).toEqual([]);
    }
  });
});
