import { Secret, TOTP } from 'otpauth';

/** RFC 6238 with SHA-1, 6 digits and 30 seconds: the parameters that every authenticator app supports. */
const parameters = { algorithm: 'SHA1', digits: 6, period: 30 } as const;

/** Steps before and after the current one that are accepted, since clocks differ (RFC 6238, section 5.2). */
const window = 1;

/**
 * The time step (Unix time in seconds divided by 30) that a code belongs to, among the current one and its two neighbours. Undefined
 * for a wrong code, and for a step that is not later than `lastStep`: a code is valid once (RFC 6238, section 5.2).
 */
export function matchingStep(secret: Buffer, code: string, timeMs: number, lastStep: number): number | undefined {
  // The library throws for six characters that are more than six bytes.
  if (!/^\d{6}$/.test(code)) return undefined;
  const totp = new TOTP({ ...parameters, secret: secretOf(secret) });
  const delta = totp.validate({ token: code, timestamp: timeMs, window });
  if (delta === null) return undefined;
  const step = totp.counter({ timestamp: timeMs }) + delta;
  return step > lastStep ? step : undefined;
}

/** RFC 4648 base 32 without padding. */
export function base32(bytes: Buffer): string {
  return secretOf(bytes).base32;
}

/** https://github.com/google/google-authenticator/wiki/Key-Uri-Format */
export function totpUri(secret: Buffer, account: string, tenantName: string): string {
  const names = { issuer: `Rapport ${tenantName}`, label: account };
  return new TOTP({ ...parameters, ...names, secret: secretOf(secret) }).toString();
}

function secretOf(bytes: Buffer): Secret {
  return new Secret({ buffer: new Uint8Array(bytes).buffer });
}
