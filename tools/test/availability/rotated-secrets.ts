import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { calculateJwkThumbprint } from 'jose';
import { SecretFiles } from '@rapport/testing';

type Process = 'auth' | 'customers' | 'sync' | 'edge';
type Environment = Record<string, string>;

/** The variables of a secret of 32 bytes: of its current value, and of other values that are still valid. */
const secretsOf: Readonly<Record<Process, readonly (readonly [current: string, retired?: string])[]>> = {
  auth: [
    ['PAGE_TOKEN_KEY', 'RETIRED_PAGE_TOKEN_KEYS'],
    ['API_KEY_HMAC_KEY', 'RETIRED_API_KEY_HMAC_KEYS'],
    ['ACCOUNT_KEY', 'RETIRED_ACCOUNT_KEYS'],
    ['OIDC_KEY', 'RETIRED_OIDC_KEYS'],
  ],
  customers: [
    ['PAGE_TOKEN_KEY', 'RETIRED_PAGE_TOKEN_KEYS'],
    ['MASTER_KEY', 'RETIRED_MASTER_KEYS'],
  ],
  sync: [
    ['PAGE_TOKEN_KEY', 'RETIRED_PAGE_TOKEN_KEYS'],
    ['MASTER_KEY', 'RETIRED_MASTER_KEYS'],
  ],
  // What an edge can't open is a miss.
  edge: [['CACHE_KEY']],
};

const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * The secrets of a platform, each with the one that follows it. Processes know both from the start, as after the first step of
 * a rotation of several processes. Those that start after `swap` make values with the next one.
 */
export class RotatedSecrets {
  readonly env: Readonly<Record<Process, Environment>> = { auth: {}, customers: {}, sync: {}, edge: {} };
  readonly #swaps: (() => Promise<unknown>)[] = [];
  readonly #folder: string;
  readonly #files: SecretFiles;

  private constructor(folder: string, files: SecretFiles) {
    this.#folder = folder;
    this.#files = files;
  }

  static async make(): Promise<RotatedSecrets> {
    const folder = await mkdtemp(join(tmpdir(), 'rapport-rotation-'));
    const secrets = new RotatedSecrets(folder, await SecretFiles.in(folder));
    for (const [process, variables] of Object.entries(secretsOf)) {
      for (const [current, retired] of variables) await secrets.#addKey(process as Process, current, retired);
    }
    for (const process of ['auth', 'customers', 'sync'] as const) await secrets.#addAuditKey(process);
    await secrets.#addPrincipalKey();
    return secrets;
  }

  /** Exchanges each secret and the one that follows it. */
  async swap(): Promise<void> {
    await Promise.all(this.#swaps.map((swap) => swap()));
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true });
  }

  async #addKey(process: Process, current: string, retired: string | undefined): Promise<void> {
    const [first, second] = [newKey(), newKey()];
    const write = async (now: string, other: string) => {
      await this.#put(process, current, now);
      if (retired !== undefined) await this.#put(process, retired, other);
    };
    await write(first, second);
    this.#swaps.push(() => write(second, first));
  }

  /** All processes know the public keys of both. */
  async #addAuditKey(process: Process): Promise<void> {
    const [first, second] = [newKey(), newKey()];
    const publicKeys = [first, second].map((seed) => {
      const der = Buffer.concat([pkcs8Prefix, Buffer.from(seed, 'base64')]);
      return createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })).export({ format: 'jwk' }).x;
    });
    this.env[process]['AUDIT_RETIRED_KEYS'] = publicKeys.join();
    await this.#put(process, 'AUDIT_SIGNING_KEY', first);
    this.#swaps.push(() => this.#put(process, 'AUDIT_SIGNING_KEY', second));
  }

  /** All services verify tokens of both. */
  async #addPrincipalKey(): Promise<void> {
    const pairs = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')] as const;
    const keys = await Promise.all(pairs.map(({ publicKey }) => jwkOf(publicKey)));
    const path = await this.#files.put('principal-keys', JSON.stringify({ keys }));
    for (const process of ['auth', 'customers', 'sync'] as const) this.env[process]['PRINCIPAL_KEYS_FILE'] = path;
    const [first, second] = pairs.map(({ privateKey }) =>
      privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    );
    await this.#put('auth', 'PRINCIPAL_SIGNING_KEY', first ?? '');
    this.#swaps.push(() => this.#put('auth', 'PRINCIPAL_SIGNING_KEY', second ?? ''));
  }

  async #put(process: Process, variable: string, value: string): Promise<void> {
    this.env[process][`${variable}_FILE`] = await this.#files.put(`${process}-${variable}`, value);
  }
}

function newKey(): string {
  return randomBytes(32).toString('base64');
}

async function jwkOf(publicKey: KeyObject): Promise<object> {
  const jwk = publicKey.export({ format: 'jwk' });
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: 'EdDSA', use: 'sig' };
}
