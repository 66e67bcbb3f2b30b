import type { EntityManager } from '@mikro-orm/postgresql';
import { v7 } from 'uuid';
import { ApiKey } from './api-key.entity.js';
import { generateApiKey, hashApiKey, modeOfApiKey, shownPrefix, type ApiKeyMode } from './api-key-text.js';
import type { RecordScope } from './rights/rights.js';

export interface NewApiKey {
  tenantId: string;
  displayName: string;
  permissions: string[];
  /** `live` when absent. */
  mode?: ApiKeyMode;
  /** ALL when absent. */
  recordScope?: RecordScope;
  teamId?: string | undefined;
  hidesPii?: boolean;
  /** Never expires when absent. */
  expireTime?: Date | undefined;
}

/**
 * Adds a new API key to the unit of work of `em`.
 *
 * @returns the record, and the key itself, which can't be had again
 */
export function issueApiKey(
  em: EntityManager,
  hmacKey: Buffer,
  { mode, ...wanted }: NewApiKey,
): { apiKey: ApiKey; key: string } {
  const key = generateApiKey(wanted.tenantId, mode);
  const apiKey = em.create(ApiKey, {
    ...wanted,
    id: v7(),
    hash: hashApiKey(hmacKey, key),
    keyPrefix: shownPrefix(key),
    createTime: new Date(),
  });
  return { apiKey, key };
}

/** Gives an API key another secret; the one that it has now works until `previousExpireTime`. */
export function rotateApiKey(apiKey: ApiKey, hmacKey: Buffer, previousExpireTime: Date): string {
  const key = generateApiKey(apiKey.tenantId, modeOfApiKey(apiKey.keyPrefix));
  apiKey.previousHash = apiKey.hash;
  apiKey.previousExpireTime = previousExpireTime;
  apiKey.hash = hashApiKey(hmacKey, key);
  apiKey.keyPrefix = shownPrefix(key);
  return key;
}
