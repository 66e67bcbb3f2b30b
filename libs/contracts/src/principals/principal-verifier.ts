import { AppError, followFiles, type Caller, type Logger } from '@rapport/platform';
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { callerOf, tokenForm } from './principal-token.js';

/** Verifying a token takes 100 microseconds, a cache hit a fraction of one. */
const maxKnown = 10_000;

/** Keys that auth may have signed with. Several at once during a rotation, while tokens of the previous key are in use. */
const keySet = z.object({
  keys: z
    .array(z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string().min(1), kid: z.string().min(1) }))
    .min(1),
});

interface Known {
  caller: Caller;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

/** Verifies principal tokens and returns their callers. */
export class PrincipalVerifier {
  readonly #known = new LRUCache<string, Known>({ max: maxKnown });
  #keys: ReturnType<typeof createLocalJWKSet>;

  /** @param keys public keys of auth */
  constructor(keys: JSONWebKeySet) {
    this.#keys = createLocalJWKSet(keySet.parse(keys));
  }

  /** Verifies with the keys of a file (a JWK set: RFC 7517, section 5), and with its new ones when it changes. */
  static ofFile(path: string, logger: Logger, intervalMs?: number): PrincipalVerifier {
    let verifier: PrincipalVerifier | undefined;
    const take = ([text = '']: readonly string[]) => {
      const keys = JSON.parse(text) as JSONWebKeySet;
      if (verifier) verifier.#replaceKeys(keys);
      else verifier = new PrincipalVerifier(keys);
    };
    followFiles([path], take, logger, intervalMs);
    return verifier!;
  }

  /**
   * Synchronous for a cached token, as most are.
   *
   * @throws AppError UNAUTHENTICATED for a token that is missing, forged, expired, or not meant for services
   */
  verify(token: string): Caller | Promise<Caller> {
    const known = this.#known.get(token);
    if (!known) return this.#verifyUnknown(token);
    if (known.expiresAt <= Date.now()) throw invalid();
    return known.caller;
  }

  async #verifyUnknown(token: string): Promise<Caller> {
    if (token === '') throw new AppError('UNAUTHENTICATED', 'PRINCIPAL_MISSING', 'The call names no principal.');
    if (token.length > tokenForm.maxLength) throw invalid();
    const keys = this.#keys;
    const { alg, typ, issuer, audience } = tokenForm;
    try {
      const { payload } = await jwtVerify(token, keys, {
        algorithms: [alg],
        typ,
        issuer,
        audience,
        requiredClaims: ['exp', 'iat'],
      });
      const caller = callerOf(payload);
      // Tokens of removed keys are dropped from the cache.
      if (keys === this.#keys) this.#known.set(token, { caller, expiresAt: (payload.exp ?? 0) * 1_000 });
      return caller;
    } catch (error) {
      throw invalid(error);
    }
  }

  #replaceKeys(keys: JSONWebKeySet): void {
    this.#keys = createLocalJWKSet(keySet.parse(keys));
    this.#known.clear();
  }
}

function invalid(cause?: unknown): AppError {
  return new AppError('UNAUTHENTICATED', 'PRINCIPAL_INVALID', 'The principal of the call can not be verified.', {
    cause,
  });
}
