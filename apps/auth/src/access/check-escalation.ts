import { allows, AppError, currentCaller } from '@rapport/platform';
import { accountPermissions } from './built-in-roles.js';
import { isWider, rightsOfCaller, type Rights } from './rights.js';

/**
 * Refuses to give, or to have power over, what the caller does not hold.
 *
 * @throws AppError PERMISSION_DENIED that says what is lacking
 */
export function checkHeld(wanted: Rights): void {
  const held = rightsOfCaller(currentCaller());
  const missing = wanted.permissions.find(
    (permission) => !allows(held.permissions, permission) && !accountPermissions.includes(permission),
  );
  if (missing !== undefined) {
    throw denied('PERMISSION_NOT_HELD', `You can't give the permission ${missing} that you lack.`, {
      permission: missing,
    });
  }
  if (isWider(wanted.recordScope, held.recordScope)) {
    throw denied('RECORD_SCOPE_NOT_HELD', `You can't give the record scope ${wanted.recordScope} that you lack.`);
  }
  const isTeamForeign = wanted.teamIds.some((id) => !held.teamIds.includes(id));
  if (held.recordScope !== 'ALL' && wanted.recordScope === 'TEAM' && isTeamForeign) {
    throw denied('TEAM_NOT_HELD', "You can't give the records of a team that you are not in.");
  }
  if (held.hidesPii && !wanted.hidesPii) {
    throw denied('PII_NOT_HELD', "You can't give the sight of personal data that is hidden from you.");
  }
}

function denied(reason: string, message: string, metadata: Record<string, string> = {}): AppError {
  return new AppError('PERMISSION_DENIED', reason, message, { metadata });
}
