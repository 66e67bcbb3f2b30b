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

/** One secret: how to make a value of it, and how to give processes its current value and another one that is valid. */
interface Secret {
  current: unknown;
  other: unknown;
  make: () => unknown;
  put: (current: unknown, other: unknown) => Promise<void>;
}

/**
 * The secrets of a platform, each with the one that follows it. Processes that start after one of the three rounds of a rotation
 * know what it has written. At first it is as after round 1.
 */
export class RotatedSecrets {
  readonly env: Readonly<Record<Process, Environment>> = { auth: {}, customers: {}, sync: {}, edge: {} };
  readonly #secrets: Secret[] = [];
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
    await secrets.#addConsoleKeys();
    for (const process of ['auth', 'customers', 'sync'] as const) await secrets.#addAuditKey(process);
    await secrets.#addPrincipalKey();
    return secrets;
  }

  /** Round 1: a new value of each secret, which is valid beside the current one. */
  async introduce(): Promise<void> {
    await this.#rotate((secret) => (secret.other = secret.make()));
  }

  /** Round 2: exchanges each secret and the one that follows it. */
  async swap(): Promise<void> {
    await this.#rotate((secret) => {
      [secret.current, secret.other] = [secret.other, secret.current];
    });
  }

  /** Round 3: only the current values are valid. */
  async retire(): Promise<void> {
    await this.#rotate((secret) => (secret.other = undefined));
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true });
  }

  async #rotate(change: (secret: Secret) => unknown): Promise<void> {
    await Promise.all(
      this.#secrets.map((secret) => {
        change(secret);
        return secret.put(secret.current, secret.other);
      }),
    );
  }

  async #add<Value>(
    make: () => Value,
    put: (current: Value, other: Value | undefined) => Promise<unknown>,
  ): Promise<void> {
    const secret = { current: make(), other: make(), make, put: put as Secret['put'] };
    await secret.put(secret.current, secret.other);
    this.#secrets.push(secret);
  }

  async #addKey(process: Process, current: string, retired: string | undefined): Promise<void> {
    await this.#add(newKey, async (now, other) => {
      await this.#put(process, current, now);
      if (retired !== undefined) await this.#put(process, retired, other ?? '');
    });
  }

  /** The first one seals. Sessions of the console last for days, so that all stay. */
  async #addConsoleKeys(): Promise<void> {
    const keys = new Set<string>();
    await this.#add(newKey, async (now, other) => {
      for (const key of [now, ...(other === undefined ? [] : [other])]) keys.add(key);
      await this.#putAll('edge', 'CONSOLE_KEYS', [now, ...[...keys].filter((key) => key !== now)]);
    });
  }

  /** All processes know the public keys of all. */
  async #addAuditKey(process: Process): Promise<void> {
    const publicKeys = new Set<string>();
    await this.#add(newKey, async (now, other) => {
      for (const seed of [now, ...(other === undefined ? [] : [other])]) publicKeys.add(publicAuditKey(seed));
      await this.#putAll(process, 'AUDIT_RETIRED_KEYS', [...publicKeys]);
      await this.#put(process, 'AUDIT_SIGNING_KEY', now);
    });
  }

  /** All services verify tokens of both. */
  async #addPrincipalKey(): Promise<void> {
    const make = () => generateKeyPairSync('ed25519');
    await this.#add(make, async (now, other) => {
      const keys = await Promise.all([now, ...(other ? [other] : [])].map(({ publicKey }) => jwkOf(publicKey)));
      const path = await this.#files.put('principal-keys', JSON.stringify({ keys }));
      for (const process of ['auth', 'customers', 'sync'] as const) this.env[process]['PRINCIPAL_KEYS_FILE'] = path;
      const pem = now.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
      await this.#put('auth', 'PRINCIPAL_SIGNING_KEY', pem);
    });
  }

  #putAll(process: Process, variable: string, values: readonly string[]): Promise<void> {
    return this.#put(process, variable, values.join());
  }

  async #put(process: Process, variable: string, value: string): Promise<void> {
    this.env[process][`${variable}_FILE`] = await this.#files.put(`${process}-${variable}`, value);
  }
}

function newKey(): string {
  return randomBytes(32).toString('base64');
}

/** @param seed of Ed25519 */
function publicAuditKey(seed: string): string {
  const der = Buffer.concat([pkcs8Prefix, Buffer.from(seed, 'base64')]);
  const { x = '' } = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })).export({
    format: 'jwk',
  });
  return x;
}

async function jwkOf(publicKey: KeyObject): Promise<object> {
  const jwk = publicKey.export({ format: 'jwk' });
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: 'EdDSA', use: 'sig' };
}
