import { randomBytes } from 'node:crypto';
import { hmac } from '@rapport/platform';
import { formatApiKey, type ApiKeyMode } from '@rapport/contracts';

const prefixLength = 'rpt_live_'.length;

/** Generates a secret key for a tenant. */
export function generateApiKey(tenantId: string, mode: ApiKeyMode = 'live'): string {
  return formatApiKey(tenantId, mode, randomBytes(24));
}

export function modeOfApiKey(key: string): ApiKeyMode {
  return key.startsWith('rpt_test_') ? 'test' : 'live';
}

/** The stored hash of a key. It is an HMAC, so a copy of the database does not allow offline guesses. @param hmacKey 32 bytes */
export function hashApiKey(hmacKey: Buffer, key: string): Buffer {
  return hmac(hmacKey).update(key).digest();
}

/** The visible part of a key, which identifies it in lists: the prefix and 43 of the 192 secret bits. */
export function visiblePrefix(key: string): string {
  return key.slice(0, prefixLength + 8);
}
