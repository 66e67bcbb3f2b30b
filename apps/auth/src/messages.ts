import type { ApiKey as ApiKeyMessage, Tenant as TenantMessage } from '@rapport/contracts/rapport/auth/v1/auth_service';
import type { ApiKey } from './api-key.entity.js';
import type { Tenant } from './tenant.entity.js';

export function tenantMessage({ id, displayName, createTime, plan }: Tenant): TenantMessage {
  return { id, displayName, createTime: createTime.toISOString(), plan };
}

/** @param key only when the API key was made just now */
export function apiKeyMessage(apiKey: ApiKey, key?: string): ApiKeyMessage {
  return {
    id: apiKey.id,
    displayName: apiKey.displayName,
    permissions: apiKey.permissions,
    expireTime: apiKey.expireTime?.toISOString(),
    key,
    keyPrefix: apiKey.keyPrefix,
    createTime: apiKey.createTime.toISOString(),
    revokeTime: apiKey.revokeTime?.toISOString(),
  };
}
