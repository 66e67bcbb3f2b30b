import { KeyRing } from '@rapport/platform';
import { decodeProtectedHeader } from 'jose';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { RunningProvider, type Client } from './running-provider.js';

const keySchedule = { periodMs: 2_000, publishAheadMs: 800, overlapMs: 60_000, cacheMs: 0 };
const stepMs = 100;

let provider: RunningProvider;
let client: Client;

beforeAll(async () => {
  // A provider of its own: keys of this schedule would sign the tokens of all tests.
  provider = await RunningProvider.start({ keySchedule });
  client = await provider.newClient();
});
afterAll(() => provider.stop());
afterEach(() => void vi.useRealTimers());

async function publishedKids(): Promise<string[]> {
  const response = await fetch(provider.server.jwks_uri ?? '');
  const { keys } = (await response.json()) as { keys: Record<string, string>[] };
  for (const key of keys) expect(Object.keys(key).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  return keys.map(({ kid = '' }) => kid);
}

test('a key is published before it signs, and tokens of the previous one stay valid', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const seen = new Set<string>();
  const kids: string[] = [];
  const tokens: string[] = [];
  while (new Set(kids).size < 3) {
    for (const kid of await publishedKids()) seen.add(kid);
    const published = new Set(seen);
    const { access_token: token } = await provider.clientCredentials(client);
    const kid = String(decodeProtectedHeader(token).kid);
    expect(published).toContain(kid);
    kids.push(kid);
    tokens.push(token);
    vi.advanceTimersByTime(stepMs);
  }

  for (const token of [tokens[0] ?? '', tokens.at(-1) ?? '']) expect(await provider.isActive(token)).toBe(true);
  const rows = await provider.sql<{ text: string }>(`select encode(sealed_jwk, 'escape') as text from signing_key`);
  expect(rows.length).toBeGreaterThanOrEqual(3);
  expect(JSON.stringify(rows)).not.toContain('kty');
});

test('a token is refused after its key is removed, although it was accepted before', async () => {
  const { access_token: token } = await provider.clientCredentials(client);
  expect(await provider.isActive(token)).toBe(true);

  await provider.sql('delete from signing_key where id::text = $1', [String(decodeProtectedHeader(token).kid)]);

  expect(await provider.isActive(token)).toBe(false);
});

test('processes that find a key due concurrently create one', async () => {
  const { OidcDatabase } = await import('../src/oidc/records/oidc-database.js');
  const { SigningKeys } = await import('../src/oidc/tokens/signing-keys.js');
  const quiet = { ...keySchedule, periodMs: 3_600_000 };
  await provider.sql('delete from signing_key');
  const em = provider.auth.emOf(provider.caller.tenantId);
  const masterKeys = new KeyRing('OIDC_KEY', Buffer.alloc(32, 7));

  const sets = await Promise.all(
    Array.from({ length: 5 }, () => new SigningKeys(new OidcDatabase(em), masterKeys, quiet).current()),
  );

  expect(new Set(sets.map(({ signing }) => signing.map(({ kid }) => kid).join())).size).toBe(1);
  await provider.sql('delete from signing_key');
});
