import { createHmac, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** `live`, or `test` for a key of a tenant without real data. */
export type ApiKeyMode = 'live' | 'test';

/**
 * The text of an API key, 70 characters: `rpt_live_` or `rpt_test_`, 24 random bytes (33 characters), the 16 bytes of the tenant's id
 * (22 characters), and the CRC-32 of all that (6 characters), each as a big-endian number in base 62. The tenant is in it
 * because nothing can be looked up without a tenant; the checksum lets scanners and us tell a key from other text without
 * asking anybody. The secret comes first, so that the first characters tell keys of one tenant apart.
 */
const form = /^rpt_(?:live|test)_[0-9A-Za-z]{33}([0-9A-Za-z]{22})([0-9A-Za-z]{6})$/;

const prefixLength = 'rpt_live_'.length;
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** A new secret key of a tenant. */
export function generateApiKey(tenantId: string, mode: ApiKeyMode = 'live'): string {
  const tenant = Buffer.from(tenantId.replaceAll('-', ''), 'hex');
  const body = `rpt_${mode}_` + base62(randomBytes(24), 33) + base62(tenant, 22);
  return body + checksum(body);
}

/** UUID of the tenant that a key names, which proves nothing yet. Undefined when the text is no key of ours. */
export function tenantOfApiKey(key: string): string | undefined {
  const [, tenant, check] = form.exec(key) ?? [];
  if (tenant === undefined || checksum(key.slice(0, -6)) !== check) return undefined;
  const number = [...tenant].reduce((value, digit) => value * 62n + BigInt(alphabet.indexOf(digit)), 0n);
  const hex = number.toString(16).padStart(32, '0');
  return hex.length === 32 ? hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5') : undefined;
}

export function modeOfApiKey(key: string): ApiKeyMode {
  return key.startsWith('rpt_test_') ? 'test' : 'live';
}

/** What is stored of a key. A copy of the database does not help to guess keys, since it lacks `hmacKey` (32 bytes). */
export function hashApiKey(hmacKey: Buffer, key: string): Buffer {
  return createHmac('sha256', hmacKey).update(key).digest();
}

/** The part of a key that is shown, to recognise it by: its beginning and 43 of the 192 secret bits. */
export function shownPrefix(key: string): string {
  return key.slice(0, prefixLength + 8);
}

function checksum(text: string): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(text));
  return base62(bytes, 6);
}

function base62(bytes: Buffer, length: number): string {
  let value = BigInt(`0x${bytes.toString('hex')}`);
  let text = '';
  while (text.length < length) {
    text = alphabet.charAt(Number(value % 62n)) + text;
    value /= 62n;
  }
  return text;
}
