import type { ApiClient } from '../api-client.ts';
import { untilRefused } from '../until-refused.ts';

/** Authorization headers of one tenant. */
export interface Credentials {
  /** Has all permissions. */
  full: string;
  /** By permission: of a key with only that one. */
  only: ReadonlyMap<string, string>;
  /** By permission: of a key with all others. */
  lacking: ReadonlyMap<string, string>;
  /** Invalid credentials, by the reason. */
  useless: Readonly<
    Record<'missing' | 'malformed' | 'ofAnotherScheme' | 'forged' | 'expired' | 'revoked', string | undefined>
  >;
}

/** Creates keys of each kind for the tenant of `api`, and waits until the expired ones have expired. */
export async function makeCredentials(
  url: string,
  api: ApiClient,
  apiKey: string,
  permissions: readonly string[],
): Promise<Credentials> {
  const create = async (displayName: string, granted: readonly string[], expireTime?: string) => {
    const body = { displayName, permissions: granted, ...(expireTime && { expireTime }) };
    return (await api.send('POST', '/v1/apiKeys', { body })).body as { id: string; key: string };
  };
  const only = new Map<string, string>();
  const lacking = new Map<string, string>();
  for (const permission of permissions) {
    const others = permissions.filter((other) => other !== permission);
    only.set(permission, `Bearer ${(await create(`only ${permission}`, [permission])).key}`);
    lacking.set(permission, `Bearer ${(await create(`all but ${permission}`, others)).key}`);
  }
  const expired = await create('expired', permissions, new Date(Date.now() + 1_000).toISOString());
  const revoked = await create('revoked', permissions);
  await api.send('POST', `/v1/apiKeys/${revoked.id}:revoke`);
  for (const { key } of [expired, revoked]) {
    const headers = { authorization: `Bearer ${key}` };
    await untilRefused(async () => (await fetch(`${url}/v1/tenant`, { headers })).status);
  }
  return {
    full: `Bearer ${apiKey}`,
    only,
    lacking,
    useless: {
      missing: undefined,
      malformed: 'Bearer rpt_live_nonsense',
      ofAnotherScheme: `Basic ${Buffer.from(`${apiKey}:`).toString('base64')}`,
      // Well-formed, with another secret: the last characters are a checksum.
      forged: `Bearer ${apiKey.slice(0, -8)}${apiKey.at(-8) === '0' ? '1' : '0'}${apiKey.slice(-7)}`,
      expired: `Bearer ${expired.key}`,
      revoked: `Bearer ${revoked.key}`,
    },
  };
}
