import type { ApiClient } from '../api-client.ts';
import { untilRefused } from '../until-refused.ts';

/** Authorization headers of one tenant. */
export interface Credentials {
  /** Has all permissions. */
  full: string;
  /** By permission: of a key with only that one, which is made for its first use. */
  only: (permission: string) => Promise<string>;
  /** By permission: of a key with all others. */
  lacking: (permission: string) => Promise<string>;
  /** Invalid credentials, by the reason. */
  useless: Readonly<
    Record<'missing' | 'malformed' | 'ofAnotherScheme' | 'forged' | 'expired' | 'revoked', string | undefined>
  >;
}

/** Creates credentials of each kind for the tenant of `api`, and waits until the expired ones have expired. */
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
  const keys = new Map<string, Promise<string>>();
  const keyOf = (displayName: string, granted: readonly string[]) => {
    const made = keys.get(displayName) ?? create(displayName, granted).then(({ key }) => `Bearer ${key}`);
    keys.set(displayName, made);
    return made;
  };
  const expired = await create('expired', permissions, new Date(Date.now() + 1_000).toISOString());
  const revoked = await create('revoked', permissions);
  await api.send('POST', `/v1/apiKeys/${revoked.id}:revoke`);
  for (const { key } of [expired, revoked]) {
    const headers = { authorization: `Bearer ${key}` };
    await untilRefused(async () => (await fetch(`${url}/v1/tenant`, { headers })).status);
  }
  return {
    full: `Bearer ${apiKey}`,
    only: (permission) => keyOf(`only ${permission}`, [permission]),
    lacking: (permission) =>
      keyOf(
        `all but ${permission}`,
        permissions.filter((other) => other !== permission),
      ),
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
