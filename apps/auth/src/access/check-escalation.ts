import { allows, AppError, currentCaller } from '@rapport/platform';
import { accountPermissions } from './built-in-roles.js';
import { isWider, rightsOfCaller, type Rights } from './rights.js';

/**
 * Checks that the caller holds all rights that it grants, or that the principal to change has.
 *
 * @throws AppError PERMISSION_DENIED with the missing right
 */
export function checkEscalation(wanted: Rights): void {
  const held = rightsOfCaller(currentCaller());
  const missing = wanted.permissions.find(
    (permission) => !allows(held.permissions, permission) && !accountPermissions.includes(permission),
  );
  if (missing !== undefined) {
    throw denied('PERMISSION_NOT_HELD', `You cannot grant the permission ${missing}, because you do not have it.`, {
      permission: missing,
    });
  }
  if (isWider(wanted.recordScope, held.recordScope)) {
    throw denied(
      'RECORD_SCOPE_NOT_HELD',
      `You cannot grant the record scope ${wanted.recordScope}, because yours is narrower.`,
    );
  }
  const isTeamForeign = wanted.teamIds.some((id) => !held.teamIds.includes(id));
  if (held.recordScope !== 'ALL' && wanted.recordScope === 'TEAM' && isTeamForeign) {
    throw denied('TEAM_NOT_HELD', 'You cannot grant access to the records of a team that you are not in.');
  }
  if (held.hidesPii && !wanted.hidesPii) {
    throw denied('PII_NOT_HELD', 'You cannot grant access to personal data that is hidden from you.');
  }
}

function denied(reason: string, message: string, metadata: Record<string, string> = {}): AppError {
  return new AppError('PERMISSION_DENIED', reason, message, { metadata });
}
