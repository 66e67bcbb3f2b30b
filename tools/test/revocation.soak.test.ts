import { isSoak, passedForMs, printTally, sharedPlatform, sizeOf, soakTimeoutMs } from '@rapport/testing';
import * as client from 'openid-client';
import { beforeAll, expect, inject, it } from 'vitest';
import { ApiClient } from './api-client.ts';
import { untilRefused } from './until-refused.ts';

const rounds = sizeOf('REVOCATION_ROUNDS', { short: 1, long: 100 });
/** The promised limit. Only the long form checks it: the short one may run on a busy machine. */
const longestMs = 1_000;

const platform = await sharedPlatform(inject('platformUrl'));
let api: ApiClient;

beforeAll(async () => {
  api = await ApiClient.connect(platform.edgeUrl, (await platform.createTenant('Revoked')).apiKey);
}, 120_000);

interface Credential {
  text: string;
  revoke: () => Promise<unknown>;
}

async function newKey(): Promise<Credential> {
  const { body } = await api.send('POST', '/v1/apiKeys', {
    body: { displayName: 'busy', permissions: ['tenant.read'] },
  });
  const { id, key } = body as { id: string; key: string };
  return { text: key, revoke: () => api.send('POST', `/v1/apiKeys/${id}:revoke`) };
}

async function newToken(): Promise<Credential> {
  const { body } = await api.send('POST', '/v1/oauthClients', {
    body: {
      displayName: 'busy',
      confidential: true,
      grantTypes: ['CLIENT_CREDENTIALS'],
      permissions: ['tenant.read'],
    },
  });
  const { clientId, secret } = body as { clientId: string; secret: string };
  const insecure = { execute: [client.allowInsecureRequests] };
  const configuration = await client.discovery(new URL(platform.edgeUrl), clientId, secret, undefined, insecure);
  const { access_token: text } = await client.clientCredentialsGrant(configuration, { scope: 'tenant.read' });
  return { text, revoke: () => client.tokenRevocation(configuration, text) };
}

it.each([
  { name: 'key', make: newKey },
  { name: 'access token', make: newToken },
])('a busy $name works at no edge once it is revoked', { timeout: soakTimeoutMs }, async ({ name, make }) => {
  const usedForMs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const { text, revoke } = await make();
    const statusAt = async (edgeUrl: string) => {
      const answer = await fetch(`${edgeUrl}/v1/tenant`, { headers: { authorization: `Bearer ${text}` } });
      return answer.status;
    };
    for (const edgeUrl of platform.edgeUrls) expect(await statusAt(edgeUrl)).toBe(200);

    await revoke();

    const passedMs = platform.edgeUrls.map((url) => passedForMs(async () => (await statusAt(url)) === 200));
    usedForMs.push(...(await Promise.all(passedMs)));
    for (const edgeUrl of platform.edgeUrls) await untilRefused(() => statusAt(edgeUrl));
  }

  const mostMs = Math.round(Math.max(...usedForMs));
  printTally('revocation', { credential: name, rounds, 'used for at most, in ms': mostMs });
  if (isSoak) expect(mostMs).toBeLessThan(longestMs);
});
