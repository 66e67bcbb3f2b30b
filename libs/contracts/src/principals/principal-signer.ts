import { createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import type { Caller } from '@rapport/platform';
import { calculateJwkThumbprint, type JSONWebKeySet } from 'jose';
import { LRUCache } from 'lru-cache';
import { claimsOf, tokenForm } from './principal-token.js';

/** How long the same token is reused for the same claims, so that readers find it in their cache. */
const reuseSeconds = 15;
const maxKept = 10_000;

/**
 * Signs principal tokens, which name the caller of a call between services. Only auth has such a signer; a test makes one
 * with its own key.
 */
export class PrincipalSigner {
  readonly #key: KeyObject;
  readonly #header: string;
  readonly #kept = new LRUCache<string, { token: string; iat: number }>({ max: maxKept });

  private constructor(
    key: KeyObject,
    kid: string,
    /** The public key that services verify its tokens with. */
    readonly publicKeys: JSONWebKeySet,
  ) {
    this.#key = key;
    this.#header = encode({ alg: tokenForm.alg, typ: tokenForm.typ, kid });
  }

  /** @param key private, of Ed25519; a new one when absent */
  static async of(key: KeyObject = generateKeyPairSync('ed25519').privateKey): Promise<PrincipalSigner> {
    const jwk = createPublicKey(key).export({ format: 'jwk' });
    const kid = await calculateJwkThumbprint(jwk);
    return new PrincipalSigner(key, kid, { keys: [{ ...jwk, kid, alg: tokenForm.alg, use: 'sig' }] });
  }

  /** A token that is valid for 45 to 60 seconds. */
  sign(caller: Caller): string {
    const claims = claimsOf(caller);
    const name = JSON.stringify(claims);
    const iat = Math.floor(Date.now() / 1_000);
    const kept = this.#kept.get(name);
    if (kept && iat - kept.iat < reuseSeconds) return kept.token;
    const { issuer: iss, audience: aud, lifetimeSeconds } = tokenForm;
    const signed = `${this.#header}.${encode({ iss, aud, ...claims, iat, exp: iat + lifetimeSeconds })}`;
    const token = `${signed}.${sign(null, Buffer.from(signed), this.#key).toString('base64url')}`;
    this.#kept.set(name, { token, iat });
    return token;
  }
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
