import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { hmac } from '@rapport/platform';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';

/** Within the 24 to 64 bytes that Standard Webhooks requires. */
const secretBytes = 32;

/**
 * Signing keys of an endpoint: a secret shared with the receiver (`v1`, HMAC-SHA256), and a key pair whose public key
 * the receiver has (`v1a`, Ed25519).
 * (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md)
 */
export class EndpointKeys {
  private constructor(
    private readonly secretKey: Buffer,
    /** PKCS #8. */
    private readonly signingKey: Buffer,
  ) {}

  static generate(): EndpointKeys {
    const { privateKey } = generateKeyPairSync('ed25519');
    return new EndpointKeys(randomBytes(secretBytes), privateKey.export({ type: 'pkcs8', format: 'der' }));
  }

  /** @param owner as given to `seal` */
  static open(envelope: SecretEnvelope, sealed: Buffer, owner: string): EndpointKeys {
    const keys = envelope.open(sealed, owner);
    return new EndpointKeys(keys.subarray(0, secretBytes), keys.subarray(secretBytes));
  }

  /** @param owner the endpoint */
  seal(envelope: SecretEnvelope, owner: string): Buffer {
    return envelope.seal(Buffer.concat([this.secretKey, this.signingKey]), owner);
  }

  /** In the form for receivers: `whsec_…`. */
  get secret(): string {
    return `whsec_${this.secretKey.toString('base64')}`;
  }

  /** In the form for receivers: `whpk_…`. */
  get publicKey(): string {
    const { x = '' } = createPublicKey(this.#privateKey).export({ format: 'jwk' });
    return `whpk_${Buffer.from(x, 'base64url').toString('base64')}`;
  }

  /**
   * The signatures of one request.
   *
   * @param timestamp seconds since 1970
   * @param body the exact bytes that are sent
   */
  signatures(id: string, timestamp: number, body: Buffer): string[] {
    const content = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
    return [
      `v1,${hmac(this.secretKey).update(content).digest('base64')}`,
      `v1a,${sign(null, content, this.#privateKey).toString('base64')}`,
    ];
  }

  get #privateKey() {
    return createPrivateKey({ key: this.signingKey, format: 'der', type: 'pkcs8' });
  }
}

/** Owner of sealed keys. */
export function keyOwner({ tenantId, id }: { tenantId: string; id: string }): string {
  return `webhook_endpoint/${tenantId}/${id}`;
}
