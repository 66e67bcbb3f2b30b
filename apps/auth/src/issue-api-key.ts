import type { EntityManager } from '@mikro-orm/postgresql';
import { v7 } from 'uuid';
import { ApiKey } from './api-key.entity.js';
import { generateApiKey, hashApiKey, shownPrefix } from './api-key-text.js';

export interface NewApiKey {
  tenantId: string;
  displayName: string;
  permissions: string[];
  /** Never expires when absent. */
  expireTime?: Date | undefined;
}

/**
 * Adds a new API key to the unit of work of `em`.
 *
 * @returns the record, and the key itself, which can't be had again
 */
export function issueApiKey(em: EntityManager, hmacKey: Buffer, wanted: NewApiKey): { apiKey: ApiKey; key: string } {
  const key = generateApiKey(wanted.tenantId);
  const apiKey = em.create(ApiKey, {
    ...wanted,
    id: v7(),
    hash: hashApiKey(hmacKey, key),
    keyPrefix: shownPrefix(key),
    createTime: new Date(),
  });
  return { apiKey, key };
}
