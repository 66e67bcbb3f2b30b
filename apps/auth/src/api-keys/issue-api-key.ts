import type { EntityManager } from '@mikro-orm/postgresql';
import type { ApiKeyMode } from '@rapport/contracts';
import { secretKeyId } from '@rapport/platform';
import { v7 } from 'uuid';
import { ApiKey } from '../storage/api-key.entity.js';
import type { RecordScope } from '../storage/record-scope.js';
import { recordSecurityEvent } from '../security-events/security-event.js';
import { generateApiKey, hashApiKey, modeOfApiKey, visiblePrefix } from './api-key-text.js';

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
 * Creates an API key in one transaction with its security event and all other changes in the unit of work of `em`.
 *
 * @param principalId the actor, when there is no authenticated call
 * @returns the record, and the key itself, which cannot be retrieved later
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
    hashKeyId: secretKeyId(hmacKey),
    keyPrefix: visiblePrefix(key),
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

/** Replaces the secret of an API key. The previous one works until `previousExpireTime`. */
export function rotateApiKey(apiKey: ApiKey, hmacKey: Buffer, previousExpireTime: Date): string {
  const key = generateApiKey(apiKey.tenantId, modeOfApiKey(apiKey.keyPrefix));
  apiKey.previousHash = apiKey.hash;
  apiKey.previousHashKeyId = apiKey.hashKeyId;
  apiKey.previousExpireTime = previousExpireTime;
  apiKey.hash = hashApiKey(hmacKey, key);
  apiKey.hashKeyId = secretKeyId(hmacKey);
  apiKey.keyPrefix = visiblePrefix(key);
  return key;
}
