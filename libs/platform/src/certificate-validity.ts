import { X509Certificate } from 'node:crypto';
import { Gauge } from 'prom-client';
import { metrics } from './logging/metrics.js';

/** `service`: of the process; `authority`: of its peers; `public`: what clients of the edge see. */
export type CertificateUse = 'service' | 'authority' | 'public';

const begins = new Gauge({
  name: 'rapport_certificate_valid_from_seconds',
  help: 'When the validity of a certificate in use begins, in seconds since 1970.',
  labelNames: ['certificate'] as const,
  registers: [metrics],
});

const ends = new Gauge({
  name: 'rapport_certificate_valid_to_seconds',
  help: 'When a certificate in use expires, in seconds since 1970. A renewed file counts once the process has read it.',
  labelNames: ['certificate'] as const,
  registers: [metrics],
});

const pemBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Notes a certificate that the process uses from now on, for metrics.
 *
 * @param pem a certificate with its intermediates, of which the first to expire counts; or authorities, of which the last
 *   does: during a rotation there are several
 */
export function noteCertificate(use: CertificateUse, pem: string): void {
  const all = (pem.match(pemBlock) ?? [])
    .map((block) => new X509Certificate(block))
    .sort((one, other) => one.validToDate.getTime() - other.validToDate.getTime());
  const counted = all.at(use === 'authority' ? -1 : 0);
  if (!counted) return;
  begins.set({ certificate: use }, counted.validFromDate.getTime() / 1_000);
  ends.set({ certificate: use }, counted.validToDate.getTime() / 1_000);
}
