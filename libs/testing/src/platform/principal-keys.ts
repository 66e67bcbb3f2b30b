import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { calculateJwkThumbprint } from 'jose';
import type { SecretFiles } from './secret-files.js';

/** The key files of a platform's principal tokens. */
export interface PrincipalKeys {
  /** Path of auth's private key, of Ed25519 in PEM. */
  signingKeyFile: string;
  /** Path of its public half, as a JWK set. */
  publicKeysFile: string;
}

/** Creates auth's key if it is missing. */
export async function principalKeys(secrets: SecretFiles): Promise<PrincipalKeys> {
  const signingKeyFile = await secrets.once('auth-principal-signing-key', async () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  });
  const jwk = createPublicKey(await readFile(signingKeyFile)).export({ format: 'jwk' });
  const key = { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: 'EdDSA', use: 'sig' };
  return { signingKeyFile, publicKeysFile: await secrets.put('principal-keys', JSON.stringify({ keys: [key] })) };
}
