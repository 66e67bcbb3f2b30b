import type { EntityManager } from '@mikro-orm/postgresql';
import type { ApiKeyMode } from '@rapport/contracts';
import { v7 } from 'uuid';
import { ApiKey } from '../storage/api-key.entity.js';
import type { RecordScope } from '../storage/record-scope.js';
import { recordSecurityEvent } from '../security-events/security-event.js';
import { generateApiKey, hashApiKey, modeOfApiKey, shownPrefix } from './api-key-text.js';

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
 * Makes an API key, in one transaction with its security event and what else is in the unit of work of `em`.
 *
 * @param principalId who makes it, when no authenticated call is being answered
 * @returns the record, and the key itself, which can't be had again
 */
export async function issueApiKey(
  em: EntityManager,
  hmacKey: Buffer,
  { mode, ...wanted }: NewApiKey,
  principalId?: string,
): Promise<{ apiKey: ApiKey; key: string }> {
  const key = generateApiKey(wanted.tenantId, mode);
  const id = v7();
  const apiKey = em.create(ApiKey, {
    ...wanted,
    id,
    hash: hashApiKey(hmacKey, key),
    keyPrefix: shownPrefix(key),
    createTime: new Date(),
  });
  await em.transactional(async (transaction) => {
    await recordSecurityEvent(transaction, {
      kind: 'API_KEY_CREATED',
      outcome: 'SUCCESS',
      records: [`apiKey/${id}`],
      detail: { permissions: wanted.permissions, expireTime: wanted.expireTime },
      ...(principalId && { principalId }),
    });
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
