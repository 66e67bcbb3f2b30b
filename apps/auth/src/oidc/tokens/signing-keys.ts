import { hkdfSync } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import { callContext, decryptByAny, encrypt, keyIdOf, type KeyRing, type KeyUse } from '@rapport/platform';
import { createLocalJWKSet, exportJWK, generateKeyPair, type JWK } from 'jose';
import { v7 } from 'uuid';
import type { OidcDatabase } from '../records/oidc-database.js';

/** The signature algorithm of tokens: widely supported, with shorter signatures than RSA. */
export const signingAlgorithm = 'ES256';

/** The lifecycle of signing keys, in milliseconds. */
export interface KeySchedule {
  /** How long a key signs. */
  periodMs: number;
  /** How long a key is published before it signs. Longer than clients cache the key set. */
  publishAheadMs: number;
  /** How long a key is published after it last signed. Longer than any token is valid. */
  overlapMs: number;
  /** How long a process caches the keys: a small part of `publishAheadMs`. */
  cacheMs: number;
}

const hourMs = 3_600_000;
export const keySchedule: KeySchedule = {
  periodMs: 30 * 24 * hourMs,
  publishAheadMs: 2 * hourMs,
  overlapMs: 24 * hourMs,
  cacheMs: 30_000,
};

/** The current keys. The object stays the same until the keys change. */
export interface KeySet {
  /** Private keys. The first one signs. */
  signing: readonly JWK[];
  /** Resolves the public key of a token. */
  verifying: ReturnType<typeof createLocalJWKSet>;
}

/** Arbitrary number of the advisory lock for creating and deleting keys. */
const keyLock = 3_391_847_266;
/** Stored keys have this layout. */
const layout = { tagFirst: true };

/** A key and its creation time in milliseconds since the epoch. */
export interface TimedKey {
  id: string;
  createdAt: number;
}

interface KeyRow {
  id: string;
  sealed_jwk: Buffer;
  created_ms: number;
}

/** The keys that sign tokens, encrypted in the database that all processes of auth share. */
export class SigningKeys {
  readonly #sealKeys: KeyRing;
  readonly #opened = new Map<string, JWK>();
  #current: KeySet | undefined;
  #loading: Promise<KeySet> | undefined;
  /** A value of `performance.now()`. */
  #loadedAt = 0;

  /** @param masterKeys the secrets that the encryption keys are derived from */
  constructor(
    private readonly database: OidcDatabase,
    masterKeys: KeyRing,
    private readonly schedule = keySchedule,
  ) {
    this.#sealKeys = sealKeysOf(masterKeys);
  }

  /** Creates and deletes keys when due. Returns the cached keys while the database cannot be reached. */
  async current(): Promise<KeySet> {
    if (this.#current && performance.now() - this.#loadedAt < this.schedule.cacheMs) return this.#current;
    // Outside the context of the first call, since other calls wait for the result too.
    this.#loading ??= callContext.exit(() => this.#load()).finally(() => (this.#loading = undefined));
    const known = this.#current;
    return known ? this.#loading.catch(() => known) : this.#loading;
  }

  async #load(): Promise<KeySet> {
    const keys = await this.#read();
    const now = Date.now();
    const next = isKeyDue(keys, now, this.schedule) ? await this.#createKey() : keys;
    const signing = await Promise.all(orderKeys(next, now, this.schedule).map((key) => this.#open(key)));
    this.#loadedAt = performance.now();
    const isSame = this.#current?.signing.map(({ kid }) => kid).join() === signing.map(({ kid }) => kid).join();
    if (!this.#current || !isSame) {
      const publicKeys = signing.map(({ d: _, ...publicKey }) => publicKey);
      this.#current = { signing, verifying: createLocalJWKSet({ keys: publicKeys }) };
    }
    return this.#current;
  }

  async #read(): Promise<(TimedKey & { sealed: Buffer })[]> {
    const rows = await this.database.rows<KeyRow>({
      name: 'read_signing_keys',
      sql: `select id, sealed_jwk, extract(epoch from create_time)::float8 * 1000 as created_ms
        from signing_key order by create_time, id limit 100`,
    });
    return rows.map(({ id, sealed_jwk: sealed, created_ms: createdAt }) => ({ id, sealed, createdAt }));
  }

  /** Several processes may find a key due at once. The lock lets one of them create it. */
  #createKey(): Promise<(TimedKey & { sealed: Buffer })[]> {
    return this.database.transaction(async () => {
      await this.database.rows({ sql: 'select pg_advisory_xact_lock($1)', values: [keyLock] });
      const keys = await this.#read();
      const now = Date.now();
      if (!isKeyDue(keys, now, this.schedule)) return keys;
      const used = new Set(orderKeys(keys, now, this.schedule).map(({ id }) => id));
      const forgotten = keys.map(({ id }) => id).filter((id) => !used.has(id));
      await this.database.rows({ sql: 'delete from signing_key where id = any ($1)', values: [forgotten] });
      const id = v7();
      const { privateKey } = await generateKeyPair(signingAlgorithm, { extractable: true });
      const jwk = { ...(await exportJWK(privateKey)), kid: id, alg: signingAlgorithm, use: 'sig' };
      const sql = 'insert into signing_key (id, sealed_jwk, create_time) values ($1, $2, to_timestamp($3))';
      await this.database.rows({ sql, values: [id, this.#seal(id, jwk), now / 1_000] });
      return this.#read();
    });
  }

  #seal(id: string, jwk: JWK): Buffer {
    return encrypt(this.#sealKeys.current, Buffer.from(JSON.stringify(jwk)), id, layout);
  }

  async #open({ id, sealed }: { id: string; sealed: Buffer }): Promise<JWK> {
    const known = this.#opened.get(id);
    if (known) return known;
    const { bytes, isRetired } = decryptByAny(this.#sealKeys, sealed, id, layout);
    const jwk = JSON.parse(bytes.toString()) as JWK;
    if (isRetired) {
      const sql = 'update signing_key set sealed_jwk = $2 where id = $1';
      await this.database.rows({ sql, values: [id, this.#seal(id, jwk)] });
    }
    this.#opened.set(id, jwk);
    return jwk;
  }
}

function sealKeysOf(masterKeys: KeyRing): KeyRing {
  return masterKeys.derive((key) => Buffer.from(hkdfSync('sha256', key, '', 'rapport signing keys', 32)));
}

/** Counts the stored keys that each secret encrypts. */
export async function countSigningKeys(em: EntityManager, masterKeys: KeyRing): Promise<KeyUse[]> {
  const sealKeys = sealKeysOf(masterKeys);
  const rows = await em.execute<{ id: string; sealed_jwk: Buffer }[]>('select id, sealed_jwk from signing_key');
  return rows.map(({ id, sealed_jwk: sealed }) => {
    return { keyId: keyIdOf(sealKeys, sealed, id, layout), kind: 'signingKey', count: 1 };
  });
}

/** Whether the next key is due. @param keys oldest first */
export function isKeyDue(keys: readonly TimedKey[], now: number, { periodMs }: KeySchedule): boolean {
  const newest = keys.at(-1);
  return !newest || newest.createdAt + periodMs <= now;
}

/**
 * The keys to publish, starting with the one that signs. A key signs after it was published for `publishAheadMs`. The first key ever
 * signs immediately.
 *
 * @param keys oldest first
 */
export function orderKeys<Key extends TimedKey>(
  keys: readonly Key[],
  now: number,
  { publishAheadMs, overlapMs }: KeySchedule,
): Key[] {
  const signsSince = (index: number) => (index === 0 ? 0 : (keys[index]?.createdAt ?? Infinity) + publishAheadMs);
  const signing = keys.findLastIndex((_, index) => signsSince(index) <= now);
  const published = keys.filter((_, index) => index >= signing || signsSince(index + 1) + overlapMs > now);
  const signer = keys[signing];
  return signer ? [signer, ...published.filter((key) => key !== signer)] : [];
}
