import { jwtVerify, type JWTVerifyGetKey } from 'jose';
import { signingAlgorithm } from './signing-keys.js';

/** The audience of access tokens. */
export function apiAudience(issuer: string): string {
  return `${issuer}/v1`;
}

/** Claims of a verified access token. */
export interface AccessTokenClaims {
  /** Id of its record. */
  jti: string;
  tenantId: string;
  /** Milliseconds since the epoch. */
  expireTime: number;
}

/** Verifies signature, issuer, audience and expiry of an access token. Undefined for any other text. */
export async function verifyAccessToken(
  token: string,
  issuer: string,
  keys: JWTVerifyGetKey,
): Promise<AccessTokenClaims | undefined> {
  const options = { issuer, audience: apiAudience(issuer), typ: 'at+jwt', algorithms: [signingAlgorithm] };
  const { payload } = await jwtVerify(token, keys, options).catch(() => ({ payload: {} }));
  const { jti, tenant_id: tenantId, exp } = payload as Record<string, unknown>;
  if (typeof jti !== 'string' || typeof tenantId !== 'string' || typeof exp !== 'number') return undefined;
  return { jti, tenantId, expireTime: exp * 1_000 };
}
