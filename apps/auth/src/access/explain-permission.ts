import type { EntityManager } from '@mikro-orm/postgresql';
import {
  ExplainPermissionResponse_Rule as Rule,
  type ExplainPermissionResponse,
  type Grant as GrantMessage,
} from '@rapport/contracts/rapport/auth/v1/permissions_service';
import { RecordScope } from '@rapport/contracts/rapport/auth/v1/rights';
import { allows, AppError, currentCaller } from '@rapport/platform';
import { ApiKey } from '../storage/api-key.entity.js';
import { UserAccount } from '../storage/user-account.entity.js';
import { accountPermissions } from './built-in-roles.js';
import { findRoles, rightsOfAccount, rightsOfApiKey } from './principal-rights.js';
import type { Grant, Rights } from './rights.js';

/** Whether a user or an API key has a permission, and why. */
export async function explainPermission(
  em: EntityManager,
  principalId: string,
  permission: string,
): Promise<ExplainPermissionResponse> {
  const [kind, id = ''] = principalId.split(':');
  const key = { tenantId: currentCaller().tenantId, id };
  if (kind === 'user') {
    const user = await em.findOne(UserAccount, key);
    if (user) return explainUser(em, user, permission);
  } else {
    const apiKey = await em.findOne(ApiKey, key);
    if (apiKey) return explainApiKey(apiKey, permission);
  }
  throw new AppError('NOT_FOUND', 'PRINCIPAL_NOT_FOUND', 'The user or API key does not exist.');
}

/** The decision of a rule that does not depend on grants. */
export function decided(rule: Rule, allowed: boolean, permission?: string): ExplainPermissionResponse {
  return {
    allowed,
    rule,
    permission,
    grants: [],
    recordScope: RecordScope.UNSPECIFIED,
    teamIds: [],
    hidesPii: false,
  };
}

async function explainUser(em: EntityManager, user: UserAccount, permission: string) {
  if (user.state !== 'ACTIVE') return decided(Rule.USER_NOT_ACTIVE, false, permission);
  if (accountPermissions.includes(permission)) return decided(Rule.OWN_ACCOUNT, true, permission);
  const roles = (await findRoles(em, user.roleIds)).filter(({ permissions }) => allows(permissions, permission));
  const grants = roles.map((role) => grantMessage(role, role.displayName, role.id));
  return byGrants(permission, grants, await rightsOfAccount(em, user));
}

function explainApiKey(apiKey: ApiKey, permission: string) {
  const { revokeTime, expireTime } = apiKey;
  if (revokeTime || (expireTime && expireTime.getTime() <= Date.now())) {
    return decided(Rule.API_KEY_ENDED, false, permission);
  }
  const isGranted = allows(apiKey.permissions, permission);
  const grants = isGranted ? [grantMessage(apiKey, apiKey.displayName)] : [];
  return byGrants(permission, grants, rightsOfApiKey(apiKey));
}

function byGrants(permission: string, grants: GrantMessage[], rights: Rights): ExplainPermissionResponse {
  if (grants.length === 0) return decided(Rule.NOT_GRANTED, false, permission);
  return {
    allowed: true,
    rule: Rule.GRANTED,
    permission,
    grants,
    recordScope: RecordScope[rights.recordScope],
    teamIds: [...rights.teamIds],
    hidesPii: rights.hidesPii,
  };
}

function grantMessage({ recordScope, hidesPii }: Grant, displayName: string, roleId?: string): GrantMessage {
  return { roleId, displayName, recordScope: RecordScope[recordScope], hidesPii };
}
