import { createSecureContext } from 'node:tls';
import { experimental, type ChannelCredentials, type ServerCredentials } from '@grpc/grpc-js';
import { followFiles, noteCertificate, type Logger } from '@rapport/platform';

/** Paths of PEM files. */
export interface CertificatePaths {
  /** Certificate of this process, with its intermediates. Its DNS name is that of the process, such as `edge`. */
  certificate: string;
  key: string;
  /** Certificates of the platform's authorities; several during a rotation. */
  authority: string;
}

/** Contents of the files, as `node:tls` takes them. */
interface Certificates {
  ca: Buffer;
  cert: Buffer;
  key: Buffer;
}

/**
 * Node ends a connection on which a client cancels more than 1,000 calls at once and 33 a second (CVE-2023-44487). A peer
 * with a certificate is no attacker: it cancels the calls that its own clients have left, and its connections carry the
 * calls of all tenants.
 */
const manyCancellations = { streamResetBurst: 1_000_000, streamResetRate: 100_000 };

type AuthorityListener = experimental.CaCertificateUpdateListener;
type IdentityListener = experimental.IdentityCertificateUpdateListener;

/**
 * The certificate of this process and the authority of its peers. When the files change, new connections use the new ones,
 * and open connections stay. grpc-js also has a provider that watches files, but it accepts a certificate whose key has not
 * been replaced yet, and has no certificate before its first read.
 */
export class ServiceCertificates implements experimental.CertificateProvider {
  readonly #authorityListeners = new Set<AuthorityListener>();
  readonly #identityListeners = new Set<IdentityListener>();
  readonly #changeListeners = new Set<(current: Certificates) => void>();
  #current!: Certificates;

  /** @throws Error when the files can't be read, or do not fit together */
  constructor(paths: CertificatePaths, logger: Logger, intervalMs?: number) {
    const take = ([cert = '', key = '', ca = '']: readonly string[]) => {
      createSecureContext({ cert, key, ca });
      this.#current = { ca: Buffer.from(ca), cert: Buffer.from(cert), key: Buffer.from(key) };
      noteCertificate('service', cert);
      noteCertificate('authority', ca);
      for (const listener of this.#authorityListeners) listener(this.#authority);
      for (const listener of this.#identityListeners) listener(this.#identity);
      for (const listener of this.#changeListeners) listener(this.#current);
    };
    followFiles([paths.certificate, paths.key, paths.authority], take, logger, intervalMs);
  }

  /** The current files, for connections other than gRPC's. */
  get current(): Certificates {
    return this.#current;
  }

  /** @returns ends it */
  onChange(listener: (current: Certificates) => void): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  /** For a server: clients without a certificate of the authority get no connection. */
  forServer(): ServerCredentials {
    const credentials = experimental.createCertificateProviderServerCredentials(this, this, true);
    // Options of the HTTP/2 servers, which grpc-js has no setting for.
    Object.assign(credentials._getConstructorOptions() ?? {}, manyCancellations);
    return credentials;
  }

  /** For a client, which sets the expected server as `grpc.ssl_target_name_override`. */
  forClient(): ChannelCredentials {
    return experimental.createCertificateProviderChannelCredentials(this, this);
  }

  addCaCertificateListener(listener: AuthorityListener): void {
    this.#authorityListeners.add(listener);
    // The caller is ready for it only after it was added.
    process.nextTick(() => listener(this.#authority));
  }

  removeCaCertificateListener(listener: AuthorityListener): void {
    this.#authorityListeners.delete(listener);
  }

  addIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.add(listener);
    process.nextTick(() => listener(this.#identity));
  }

  removeIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.delete(listener);
  }

  get #authority(): experimental.CaCertificateUpdate {
    return { caCertificate: this.#current.ca };
  }

  get #identity(): experimental.IdentityCertificateUpdate {
    return { certificate: this.#current.cert, privateKey: this.#current.key };
  }
}
