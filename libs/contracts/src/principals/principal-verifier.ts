import { AppError, followFiles, type Caller, type Logger } from '@rapport/platform';
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { callerOf, tokenForm } from './principal-token.js';

/** To verify a token takes 100 microseconds, to find it a part of one. */
const maxKnown = 10_000;

/** Keys by which auth may have signed. Several at once, so that auth can change its key while tokens of the last are in use. */
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

/** Finds out for whom a call is made, and believes only what auth has signed. */
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
   * At once for a token that is known, since most are.
   *
   * @throws AppError UNAUTHENTICATED for no token, and for one that is forged, expired, or not meant for services
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
      // What a key has signed that is no longer ours is not remembered.
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
