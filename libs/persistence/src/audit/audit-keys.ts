import { createHash, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import type { AuditPoint } from './audit-entry.js';
import { netstrings } from './netstrings.js';

/** The signed end of a tenant's chain at a time. A stored copy detects later truncation or replacement of the chain. */
export interface AuditHead extends AuditPoint {
  tenantId: string;
  /** Time of the signature: ISO 8601 in UTC with milliseconds. */
  time: string;
  /** Thumbprint of the public key (RFC 7638). */
  keyId: string;
  /** Ed25519 signature in base64. */
  signature: string;
}

/** An Ed25519 public key. */
export interface AuditPublicKey {
  keyId: string;
  /** The 32 bytes in base64url, as the `x` of a JWK (RFC 8037). */
  x: string;
}

/** The PKCS #8 prefix of an Ed25519 key, before its 32 bytes (RFC 8410). */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The public keys that verify a service's heads. */
export class AuditPublicKeys {
  readonly #publicKeys = new Map<string, { key: KeyObject; x: string }>();

  /**
   * @param service that owns the chains, such as `auth`; a head of one service is invalid for another
   * @param keys the first one first in `publicKeys`
   */
  constructor(
    private readonly service: string,
    keys: readonly KeyObject[],
  ) {
    for (const key of keys) {
      const { x = '' } = key.export({ format: 'jwk' });
      this.#publicKeys.set(thumbprint(x), { key, x });
    }
  }

  get publicKeys(): AuditPublicKey[] {
    return [...this.#publicKeys].map(([keyId, { x }]) => ({ keyId, x }));
  }

  /** Whether the signature is valid for one of these keys. */
  isSigned(head: AuditHead): boolean {
    const key = this.#publicKeys.get(head.keyId)?.key;
    return key !== undefined && verify(null, this.signedBytes(head), key, Buffer.from(head.signature, 'base64'));
  }

  protected signedBytes({ tenantId, number, hash, time, keyId }: Omit<AuditHead, 'signature'>): Buffer {
    return Buffer.from(netstrings(['rapport-audit-head', this.service, tenantId, number, hash, time, keyId]));
  }
}

/** The key that signs a service's heads, and the public keys of its predecessors. */
export class AuditKeys extends AuditPublicKeys {
  readonly #privateKey: KeyObject;
  readonly #keyId: string;

  /**
   * @param service as for `AuditPublicKeys`
   * @param secretKey 32 bytes
   * @param retiredKeys public keys, 32 bytes each
   */
  constructor(service: string, secretKey: Buffer, retiredKeys: readonly Buffer[] = []) {
    const key = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, secretKey]), format: 'der', type: 'pkcs8' });
    const publicKey = createPublicKey(key);
    super(service, [publicKey, ...retiredKeys.map(auditPublicKey)]);
    this.#privateKey = key;
    this.#keyId = thumbprint(publicKey.export({ format: 'jwk' }).x ?? '');
  }

  sign(tenantId: string, { number, hash }: AuditPoint, time: string): AuditHead {
    const head = { tenantId, number, hash, time, keyId: this.#keyId };
    return { ...head, signature: sign(null, this.signedBytes(head), this.#privateKey).toString('base64') };
  }
}

/** @param bytes 32 bytes */
export function auditPublicKey(bytes: Buffer): KeyObject {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') };
  return createPublicKey({ key: jwk, format: 'jwk' });
}

/** RFC 7638. */
function thumbprint(x: string): string {
  return createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest('base64url');
}
