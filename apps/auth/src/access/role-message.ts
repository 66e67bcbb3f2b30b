import { RecordScope as RecordScopeMessage } from '@rapport/contracts/rapport/auth/v1/rights';
import type { Role as RoleMessage } from '@rapport/contracts/rapport/auth/v1/roles_service';
import { formatEtag } from '@rapport/persistence';
import type { RecordScope } from '../storage/record-scope.js';
import { Role } from '../storage/role.entity.js';
import type { BuiltInRole } from './built-in-roles.js';

export function roleMessage(role: Role | BuiltInRole): RoleMessage {
  const own = role instanceof Role ? role : undefined;
  return {
    id: role.id,
    displayName: role.displayName,
    permissions: [...role.permissions],
    recordScope: RecordScopeMessage[role.recordScope],
    hidesPii: role.hidesPii,
    builtIn: !own,
    // Built-in roles change only with a release.
    etag: formatEtag(own?.version ?? 1),
    createTime: own?.createTime.toISOString(),
    updateTime: own?.updateTime.toISOString(),
  };
}

/** @param unset default for an unspecified scope */
export function readRecordScope(scope: RecordScopeMessage, unset: RecordScope): RecordScope {
  return scope === RecordScopeMessage.UNSPECIFIED ? unset : (RecordScopeMessage[scope] as RecordScope);
}
