import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import * as x509 from '@peculiar/x509';
import type { SecretFiles } from './secret-files.js';

const day = 24 * 60 * 60 * 1_000;
const authorityDays = 3_650;
const certificateDays = 30;
/**
 * Remaining validity at which a certificate is renewed, in days. The authority is always valid for longer than its
 * certificates.
 */
const renewDays = { authority: 60, certificate: 10 };
const checkIntervalMs = 60 * 60 * 1_000;

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** Paths of a process's certificate files: `certificateVariables` has the variables. */
export interface CertificateFiles {
  certificate: string;
  key: string;
  authority: string;
}

/**
 * The authority of one platform, and the certificates that it issues to its processes, as files. Missing and expiring ones
 * are created, at the start and while the platform runs.
 */
export class PlatformCertificates {
  readonly #renewal: NodeJS.Timeout;
  readonly #processes = new Set<string>();

  private constructor(
    private readonly secrets: SecretFiles,
    /** Path of the authority's certificate. */
    readonly authority: string,
  ) {
    this.#renewal = setInterval(() => {
      // A failed write is retried long before the certificate expires.
      for (const name of this.#processes) this.of(name).catch(() => undefined);
    }, checkIntervalMs);
    this.#renewal.unref();
  }

  static async in(secrets: SecretFiles): Promise<PlatformCertificates> {
    const kept = await readCertificate(secrets.path('authority-certificate'));
    if (!kept || expiresWithin(kept, renewDays.authority)) await makeAuthority(secrets);
    return new PlatformCertificates(secrets, secrets.path('authority-certificate'));
  }

  /**
   * The certificate of a process, with its name.
   *
   * @param renew renew it before it is due
   */
  async of(name: string, renew = false): Promise<CertificateFiles> {
    this.#processes.add(name);
    const [certificate, key] = [`${name}-certificate`, `${name}-certificate-key`];
    const kept = await readCertificate(this.secrets.path(certificate));
    const authority = new x509.X509Certificate(await readFile(this.authority, 'utf8'));
    const isGood = kept && !expiresWithin(kept, renewDays.certificate) && (await isFrom(authority, kept));
    if (renew || !isGood) {
      const made = await makeCertificate(name, authority, await readKey(this.secrets.path('authority-key')));
      // A reader of both files in between detects the mismatch, and reads again.
      await this.secrets.put(key, made.key);
      await this.secrets.put(certificate, made.certificate);
    }
    return { certificate: this.secrets.path(certificate), key: this.secrets.path(key), authority: this.authority };
  }

  /** Ends renewal. */
  stop(): void {
    clearInterval(this.#renewal);
  }
}

/** The variables of a process with these certificates. */
export function certificateVariables({ certificate, key, authority }: CertificateFiles): Record<string, string> {
  return { SERVICE_CERT_FILE: certificate, SERVICE_KEY_FILE: key, SERVICE_CA_FILE: authority };
}

async function makeAuthority(secrets: SecretFiles): Promise<void> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(authorityDays),
    name: 'CN=Rapport platform',
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  await secrets.put('authority-key', await keyText(keys.privateKey));
  await secrets.put('authority-certificate', certificate.toString('pem'));
}

async function makeCertificate(
  name: string,
  authority: x509.X509Certificate,
  signingKey: webcrypto.CryptoKey,
): Promise<{ certificate: string; key: string }> {
  const { publicKey, privateKey } = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.create({
    ...validity(certificateDays),
    subject: `CN=${name}`,
    issuer: authority.subject,
    publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: name }]),
      await x509.AuthorityKeyIdentifierExtension.create(authority),
    ],
  });
  return { certificate: certificate.toString('pem'), key: await keyText(privateKey) };
}

/** A few minutes ago, because clocks differ. */
function validity(days: number) {
  const now = Date.now();
  return { notBefore: new Date(now - 5 * 60_000), notAfter: new Date(now + days * day), signingAlgorithm: algorithm };
}

function expiresWithin({ notAfter }: x509.X509Certificate, days: number): boolean {
  return notAfter.getTime() - Date.now() < days * day;
}

function isFrom(authority: x509.X509Certificate, certificate: x509.X509Certificate): Promise<boolean> {
  return certificate.verify({ publicKey: authority, signatureOnly: true });
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

async function keyText(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}

async function readKey(path: string): Promise<webcrypto.CryptoKey> {
  const [bytes = new ArrayBuffer()] = x509.PemConverter.decode(await readFile(path, 'utf8'));
  return webcrypto.subtle.importKey('pkcs8', bytes, algorithm, true, ['sign']);
}

/** Undefined when there is no valid one. */
async function readCertificate(path: string): Promise<x509.X509Certificate | undefined> {
  try {
    return new x509.X509Certificate(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
}
