import type { EntityManager } from '@mikro-orm/postgresql';
import { ApiKey_Mode, type ApiKey as ApiKeyMessage } from '@rapport/contracts/rapport/auth/v1/auth_service';
import { currentCaller, invalidArgument, type FieldViolation } from '@rapport/platform';
import { checkEscalation } from '../access/check-escalation.js';
import { unknownPermissions } from '../access/check-permissions.js';
import { rightsOfApiKey } from '../access/principal-rights.js';
import { rightsOfCaller } from '../access/rights.js';
import { readRecordScope } from '../access/role-message.js';
import { Team } from '../storage/team.entity.js';
import type { NewApiKey } from './issue-api-key.js';

/** Validates a requested API key. @throws AppError INVALID_ARGUMENT, or PERMISSION_DENIED for rights that the caller lacks */
export async function checkApiKey(em: EntityManager, wanted: ApiKeyMessage): Promise<NewApiKey> {
  const { tenantId, ...caller } = currentCaller();
  const maker = rightsOfCaller({ tenantId, ...caller });
  const expireTime = wanted.expireTime === undefined ? undefined : new Date(wanted.expireTime);
  const violations: FieldViolation[] = unknownPermissions('apiKey.permissions', wanted.permissions);
  if (expireTime && expireTime.getTime() <= Date.now()) {
    violations.push({ field: 'apiKey.expireTime', reason: 'IN_PAST', description: 'must be in the future' });
  }
  const { displayName, teamId } = wanted;
  if (teamId !== undefined && !(await em.findOne(Team, { tenantId, id: teamId }))) {
    violations.push({ field: 'apiKey.teamId', reason: 'TEAM_UNKNOWN', description: 'is not the id of a team' });
  }
  if (violations.length > 0) throw invalidArgument(violations);
  const apiKey = {
    tenantId,
    displayName,
    permissions: [...new Set(wanted.permissions)],
    mode: wanted.mode === ApiKey_Mode.TEST ? ('test' as const) : ('live' as const),
    recordScope: readRecordScope(wanted.recordScope, maker.recordScope),
    teamId,
    hidesPii: wanted.hidesPii ?? maker.hidesPii,
    expireTime,
  };
  checkEscalation(rightsOfApiKey(apiKey));
  return apiKey;
}
