import { createSecureContext } from 'node:tls';
import { experimental, type ChannelCredentials, type ServerCredentials } from '@grpc/grpc-js';
import { followFiles, type Logger } from '@rapport/platform';

/** Paths of PEM files. */
export interface CertificatePaths {
  /** Of this process, with those between it and the authority. Its DNS name is that of the process, such as `edge`. */
  certificate: string;
  key: string;
  /** Of the authorities that certify processes of the platform; several while one replaces another. */
  authority: string;
}

/** Contents of the files, as `node:tls` takes them. */
interface Certificates {
  ca: Buffer;
  cert: Buffer;
  key: Buffer;
}

/**
 * Node ends a connection on which a client cancels more than 1,000 calls at once and 33 a second (CVE-2023-44487). Who has a
 * certificate is no attacker: it cancels what its own clients have left, and all tenants have their calls on its connections.
 */
const manyCancellations = { streamResetBurst: 1_000_000, streamResetRate: 100_000 };

type AuthorityListener = experimental.CaCertificateUpdateListener;
type IdentityListener = experimental.IdentityCertificateUpdateListener;

/**
 * What this process proves itself with to other processes of the platform, and they to it. When its files change, connections
 * that are made from then on use the new ones, and those that are open go on. grpc-js has a provider that watches files too,
 * but it takes up a certificate whose key has not been replaced yet, and has nothing before its first read is done.
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
      for (const listener of this.#authorityListeners) listener(this.#authority);
      for (const listener of this.#identityListeners) listener(this.#identity);
      for (const listener of this.#changeListeners) listener(this.#current);
    };
    followFiles([paths.certificate, paths.key, paths.authority], take, logger, intervalMs);
  }

  /** For connections that are not gRPC's: what counts now. */
  get current(): Certificates {
    return this.#current;
  }

  /** @returns ends it */
  onChange(listener: (current: Certificates) => void): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  /** For a server: who has no certificate of the authority does not get a connection. */
  forServer(): ServerCredentials {
    const credentials = experimental.createCertificateProviderServerCredentials(this, this, true);
    // The options of its HTTP/2 servers, which grpc-js lets nobody give it.
    Object.assign(credentials._getConstructorOptions() ?? {}, manyCancellations);
    return credentials;
  }

  /** For a client, which is to name the server that it expects as `grpc.ssl_target_name_override`. */
  forClient(): ChannelCredentials {
    return experimental.createCertificateProviderChannelCredentials(this, this);
  }

  addCaCertificateListener(listener: AuthorityListener): void {
    this.#authorityListeners.add(listener);
    // Who adds it is ready for it only afterwards.
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
