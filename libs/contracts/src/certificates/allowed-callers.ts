import { X509Certificate } from 'node:crypto';
import type { ServerUnaryCall } from '@grpc/grpc-js';
import { AppError } from '@rapport/platform';
import { LRUCache } from 'lru-cache';

/** The processes that may call a service, by the DNS names of their certificates. */
export class AllowedCallers {
  /** By fingerprint. Empty for a certificate of another process. */
  readonly #names = new LRUCache<string, string>({ max: 1_000 });

  constructor(private readonly allowed: readonly string[]) {}

  /**
   * The process that makes a call over a connection on which it had to prove itself.
   *
   * @throws AppError PERMISSION_DENIED for one that is not allowed
   */
  nameOf(call: Pick<ServerUnaryCall<unknown, unknown>, 'getAuthContext'>): string {
    const { sslPeerCertificate: certificate } = call.getAuthContext();
    const name = certificate && (this.#names.get(certificate.fingerprint256) ?? this.#learn(certificate));
    if (name) return name;
    throw new AppError('PERMISSION_DENIED', 'CALLER_NOT_ALLOWED', 'This process may not call the service.');
  }

  #learn({ fingerprint256, raw }: { fingerprint256: string; raw: Buffer }): string {
    const certificate = new X509Certificate(raw);
    const isFor = (name: string) => certificate.checkHost(name, { subject: 'never', wildcards: false }) !== undefined;
    const name = this.allowed.find(isFor) ?? '';
    this.#names.set(fingerprint256, name);
    return name;
  }
}
