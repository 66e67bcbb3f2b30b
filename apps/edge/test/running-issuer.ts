import type { webcrypto } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT, type JWK, type JWTHeaderParameters } from 'jose';

/** A key pair and its public part, as it is published. */
export interface IssuerKey {
  privateKey: webcrypto.CryptoKey;
  publicJwk: JWK & { kid: string };
}

/** An issuer of access tokens like auth: it publishes keys, and signs the test's claims. */
export interface RunningIssuer {
  /** `host:port` of its HTTP server. */
  address: string;
  /** The published keys. */
  published: IssuerKey[];
  /** How often they were fetched. */
  asked: () => number;
  stop: () => Promise<void>;
}

export const publicUrl = 'https://crm.example.com';

export async function startIssuer(): Promise<RunningIssuer> {
  let asked = 0;
  const server = createServer((_request, response) => {
    asked += 1;
    const keys = issuer.published.map(({ publicJwk }) => publicJwk);
    response.writeHead(200, { 'content-type': 'application/jwk-set+json' }).end(JSON.stringify({ keys }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer: RunningIssuer = {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    published: [await newKey()],
    asked: () => asked,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return issuer;
}

export async function newKey(): Promise<IssuerKey> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = await exportJWK(publicKey);
  return { privateKey, publicJwk: { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: 'ES256', use: 'sig' } };
}

/** The claims of a valid access token, which lasts for ten minutes. */
export function goodClaims(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1_000);
  return {
    tenant_id: 't1',
    principal_id: 'client:c1',
    jti: `token-${Math.random()}`,
    sub: 'c1',
    iat: now,
    exp: now + 600,
    scope: 'ores.read',
    client_id: 'c1',
    iss: publicUrl,
    aud: `${publicUrl}/v1`,
    ...changes,
  };
}

/** A valid token with the given changes. */
export function sign(
  { privateKey, publicJwk }: IssuerKey,
  changes: Record<string, unknown> = {},
  header: Partial<JWTHeaderParameters> = {},
): Promise<string> {
  return new SignJWT(goodClaims(changes))
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: publicJwk.kid, ...header })
    .sign(privateKey, { crit: { 'urn:ours': true } });
}
