import { crc32 } from 'node:zlib';

/** `live`, or `test` for a key of a tenant without real data. */
export type ApiKeyMode = 'live' | 'test';

/**
 * The text of an API key, 70 characters: `rpt_live_` or `rpt_test_`, 24 random bytes (33 characters), the 16 bytes of the
 * tenant's id (22 characters), and the CRC-32 of all that (6 characters), each as a big-endian number in base 62. The
 * tenant is in it because nothing can be looked up without a tenant; with the checksum, scanners and the edge recognise a
 * key without a look-up. The secret comes first, so that the first characters distinguish keys of one tenant.
 */
const form = /^rpt_(?:live|test)_[0-9A-Za-z]{33}([0-9A-Za-z]{22})([0-9A-Za-z]{6})$/;

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** @param secret 24 random bytes */
export function formatApiKey(tenantId: string, mode: ApiKeyMode, secret: Buffer): string {
  const tenant = Buffer.from(tenantId.replaceAll('-', ''), 'hex');
  const body = `rpt_${mode}_` + base62(secret, 33) + base62(tenant, 22);
  return body + checksum(body);
}

/** UUID of the tenant that a key names, unverified. Undefined when the text is no API key of Rapport. */
export function tenantOfApiKey(key: string): string | undefined {
  const [, tenant, check] = form.exec(key) ?? [];
  if (tenant === undefined || checksum(key.slice(0, -6)) !== check) return undefined;
  const number = [...tenant].reduce((value, digit) => value * 62n + BigInt(alphabet.indexOf(digit)), 0n);
  const hex = number.toString(16).padStart(32, '0');
  return hex.length === 32 ? hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5') : undefined;
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
