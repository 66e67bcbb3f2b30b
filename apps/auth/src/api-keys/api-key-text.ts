import { createHmac, randomBytes } from 'node:crypto';
import { formatApiKey, type ApiKeyMode } from '@rapport/contracts';

const prefixLength = 'rpt_live_'.length;

/** A new secret key of a tenant. */
export function generateApiKey(tenantId: string, mode: ApiKeyMode = 'live'): string {
  return formatApiKey(tenantId, mode, randomBytes(24));
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
