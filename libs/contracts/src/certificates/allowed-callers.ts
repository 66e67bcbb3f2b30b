import { X509Certificate } from 'node:crypto';
import { AppError } from '@rapport/platform';
import { LRUCache } from 'lru-cache';

/** The peer certificate of a process. */
type PeerCertificate = Pick<X509Certificate, 'fingerprint256' | 'raw'>;

/** The processes that may call a service, by the DNS names of their certificates. */
export class AllowedCallers {
  /** By fingerprint. Empty for a certificate of another process. */
  readonly #names = new LRUCache<string, string>({ max: 1_000 });

  constructor(private readonly allowed: readonly string[]) {}

  /**
   * Identifies a process by its certificate, which the authority has issued.
   *
   * @throws AppError PERMISSION_DENIED for one that is not allowed
   */
  nameOf(certificate: PeerCertificate | undefined): string {
    const name = certificate && this.#find(certificate);
    if (name) return name;
    throw new AppError('PERMISSION_DENIED', 'CALLER_NOT_ALLOWED', 'This process may not call the service.');
  }

  has(certificate: PeerCertificate | undefined): boolean {
    return certificate !== undefined && this.#find(certificate) !== '';
  }

  #find(certificate: PeerCertificate): string {
    return this.#names.get(certificate.fingerprint256) ?? this.#learn(certificate);
  }

  #learn({ fingerprint256, raw }: PeerCertificate): string {
    const certificate = new X509Certificate(raw);
    const isFor = (name: string) => certificate.checkHost(name, { subject: 'never', wildcards: false }) !== undefined;
    const name = this.allowed.find(isFor) ?? '';
    this.#names.set(fingerprint256, name);
    return name;
  }
}
