import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { PrincipalSigner } from '@rapport/contracts';
import type { SharedPlatform } from '@rapport/testing';
import { SignJWT } from 'jose';

/** Invalid principal tokens with all permissions, by the reason. */
export async function uselessPrincipals(
  { trust }: SharedPlatform,
  tenantId: string,
  permissions: readonly string[],
): Promise<Record<'missing' | 'malformed' | 'forged' | 'expired' | 'ofOtherAudience' | 'ofOtherType', string>> {
  const key = createPrivateKey(await readFile(trust.signingKeyFile));
  const kid = (await PrincipalSigner.of(key)).publicKeys.keys[0]?.kid ?? '';
  const now = Math.floor(Date.now() / 1_000);
  const good = {
    iss: 'rapport-auth',
    aud: 'rapport-services',
    sub: 'apiKey:x',
    tid: tenantId,
    perms: [...permissions],
  };
  const times = { iat: now, exp: now + 3_600 };
  const sign = (claims: object, typ = 'rapport-principal+jwt', by = key) =>
    new SignJWT({ ...good, ...times, ...claims }).setProtectedHeader({ alg: 'EdDSA', typ, kid }).sign(by);
  return {
    missing: '',
    malformed: 'nonsense',
    forged: await sign({}, undefined, generateKeyPairSync('ed25519').privateKey),
    expired: await sign({ iat: now - 61, exp: now - 1 }),
    ofOtherAudience: await sign({ aud: 'rapport-api' }),
    ofOtherType: await sign({}, 'at+jwt'),
  };
}
