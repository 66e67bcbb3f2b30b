import { AppError, once } from '@rapport/platform';
import { createRemoteJWKSet, customFetch, errors, jwtVerify, type JWTVerifyOptions } from 'jose';
import { LRUCache } from 'lru-cache';
import type { OidcConnection } from '../oidc/oidc-connection.js';

/** Longest access token, in characters. Ours have about 1,000. */
export const maxTokenLength = 4_096;
const maxTokens = 10_000;
/** How much our clock may differ from auth's, in seconds. */
const clockToleranceSeconds = 5;
/** How long auth's public keys are cached, in milliseconds: far shorter than a key is published before it signs. */
const keysMaxAgeMs = 60_000;
/** Shortest time between two fetches of the keys for tokens with an unknown key, in milliseconds. */
const keysCoolDownMs = 1_000;
const keysTimeoutMs = 2_000;

export interface AccessTokenVerifierOptions {
  /** The connection that auth's public keys are fetched through. */
  connection: OidcConnection;
  /** Public URL of this edge, without a trailing slash. */
  issuer: string;
}

/**
 * Verifies the signature and claims of auth's access tokens (RFC 9068). Only auth knows whether a token was revoked. Each
 * token is verified once: the result is cached until it expires.
 */
export class AccessTokenVerifier {
  /** When each verified token expires, in seconds since the epoch. */
  readonly #genuine = new LRUCache<string, number>({ max: maxTokens });
  readonly #keys: () => ReturnType<typeof createRemoteJWKSet>;
  readonly #rules: JWTVerifyOptions;

  constructor({ connection, issuer }: AccessTokenVerifierOptions) {
    // At the first token, because it loads Node's fetch.
    this.#keys = once(() =>
      createRemoteJWKSet(new URL('https://auth/oauth/jwks'), {
        [customFetch]: (url, options) => connection.fetch(url, options),
        cacheMaxAge: keysMaxAgeMs,
        cooldownDuration: keysCoolDownMs,
        timeoutDuration: keysTimeoutMs,
      }),
    );
    this.#rules = {
      algorithms: ['ES256'],
      typ: 'at+jwt',
      issuer,
      audience: `${issuer}/v1`,
      requiredClaims: ['exp', 'iat', 'jti', 'sub', 'client_id', 'tenant_id', 'principal_id'],
      clockTolerance: clockToleranceSeconds,
    };
  }

  /** @throws AppError UNAVAILABLE when auth's keys can't be fetched */
  async isGenuine(token: string): Promise<boolean> {
    const knownUntil = this.#genuine.get(token);
    if (knownUntil !== undefined) return Date.now() / 1_000 < knownUntil;
    if (token.length > maxTokenLength || !isOurForm(token)) return false;
    try {
      const { payload } = await jwtVerify(token, this.#keys(), this.#rules);
      this.#genuine.set(token, payload.exp ?? 0);
      return true;
    } catch (error) {
      if (isOfTheToken(error)) return false;
      const message = 'The keys of access tokens can not be reached. Try again.';
      throw new AppError('UNAVAILABLE', 'SERVICE_UNAVAILABLE', message, { cause: error, retryAfterSeconds: 1 });
    }
  }
}

/**
 * Whether a token has exactly the form that auth issues: three parts, a header with these members only, JSON as
 * JSON.stringify writes it, and a canonical base64url signature. So no member occurs twice, which two parsers could read
 * differently, and none names a key of the sender's.
 */
function isOurForm(token: string): boolean {
  const [header, payload, signature, ...rest] = token.split('.');
  if (!header || !payload || !signature || rest.length > 0) return false;
  // Four bits of the last character are unused: without this check a token would have 16 spellings.
  if (Buffer.from(signature, 'base64url').toString('base64url') !== signature) return false;
  const members = canonicalObject(header);
  return (
    members !== undefined &&
    Object.keys(members).every((name) => ['alg', 'typ', 'kid'].includes(name)) &&
    canonicalObject(payload) !== undefined
  );
}

/** Undefined for anything but a JSON object as JSON.stringify writes it. */
function canonicalObject(part: string): object | undefined {
  try {
    const text = Buffer.from(part, 'base64url').toString();
    const value = JSON.parse(text) as unknown;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return JSON.stringify(value) === text ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Any other error is a failure to fetch the keys. */
function isOfTheToken(error: unknown): boolean {
  return (
    error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout) && error.code !== 'ERR_JOSE_GENERIC'
  );
}
