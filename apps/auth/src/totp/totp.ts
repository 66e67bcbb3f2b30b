import { createHmac, timingSafeEqual } from 'node:crypto';

const stepSeconds = 30;
const digits = 6;
const base32Alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** The number of the 30 seconds that a time lies in. */
export function stepOf(timeMs: number): number {
  return Math.floor(timeMs / 1_000 / stepSeconds);
}

/** The code of a step: RFC 6238 with SHA-1, which is what every authenticator app knows. */
export function totpCode(secret: Buffer, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', secret).update(counter).digest();
  const offset = (mac.at(-1) ?? 0) & 0xf;
  const value = (mac.readUInt32BE(offset) & 0x7fff_ffff) % 10 ** digits;
  return String(value).padStart(digits, '0');
}

/**
 * The step of which a code is, among the one of now and its two neighbours, since clocks differ (RFC 6238, 5.2).
 *
 * @param after the last step that was used: one is good once
 */
export function matchingStep(secret: Buffer, code: string, timeMs: number, after: number): number | undefined {
  if (!/^\d{6}$/.test(code)) return undefined;
  const now = stepOf(timeMs);
  // All three are compared, whichever it is.
  const matching = [now - 1, now, now + 1].filter((step) =>
    timingSafeEqual(Buffer.from(totpCode(secret, step)), Buffer.from(code)),
  );
  return matching.find((step) => step > after);
}

/** RFC 4648 base 32 without padding. */
export function base32(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return bits.replace(/.{1,5}/g, (group) => base32Alphabet.charAt(Number.parseInt(group.padEnd(5, '0'), 2)));
}

/** https://github.com/google/google-authenticator/wiki/Key-Uri-Format */
export function totpUri(secret: Buffer, account: string, tenantName: string): string {
  const issuer = encodeURIComponent(`Rapport ${tenantName}`);
  return `otpauth://totp/${issuer}:${encodeURIComponent(account)}?secret=${base32(secret)}&issuer=${issuer}`;
}
