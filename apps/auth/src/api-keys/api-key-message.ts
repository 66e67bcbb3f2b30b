import { ApiKey_Mode, type ApiKey as ApiKeyMessage } from '@rapport/contracts/rapport/auth/v1/auth_service';
import { RecordScope } from '@rapport/contracts/rapport/auth/v1/rights';
import type { ApiKey } from '../storage/api-key.entity.js';
import type { RecordScope as RecordScopeName } from '../storage/record-scope.js';
import { modeOfApiKey } from './api-key-text.js';

/** @param key only in the response to its creation or rotation */
export function apiKeyMessage(apiKey: ApiKey, key?: string): ApiKeyMessage {
  const { previousExpireTime } = apiKey;
  const recordScope: RecordScopeName = apiKey.recordScope;
  return {
    id: apiKey.id,
    displayName: apiKey.displayName,
    permissions: apiKey.permissions,
    expireTime: apiKey.expireTime?.toISOString(),
    key,
    keyPrefix: apiKey.keyPrefix,
    createTime: apiKey.createTime.toISOString(),
    revokeTime: apiKey.revokeTime?.toISOString(),
    recordScope: RecordScope[recordScope],
    teamId: apiKey.teamId ?? undefined,
    hidesPii: apiKey.hidesPii,
    mode: modeOfApiKey(apiKey.keyPrefix) === 'test' ? ApiKey_Mode.TEST : ApiKey_Mode.LIVE,
    lastUseTime: apiKey.lastUseTime?.toISOString(),
    previousKeyExpireTime:
      previousExpireTime && previousExpireTime.getTime() > Date.now() ? previousExpireTime.toISOString() : undefined,
  };
}
