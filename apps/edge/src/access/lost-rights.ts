import type { Caller } from '@rapport/platform';

const scopes = ['OWN', 'TEAM', 'ALL'] as const;

/** Whether a caller has lost any right that it had before. */
export function hasLostRights(then: Caller, now: Caller): boolean {
  return (
    now.tenantId !== then.tenantId ||
    now.principalId !== then.principalId ||
    then.permissions.some((permission) => !now.permissions.includes(permission)) ||
    seesFewerRecords(then, now) ||
    (now.hidesPii === true && then.hidesPii !== true)
  );
}

function seesFewerRecords(then: Caller, now: Caller): boolean {
  const [scopeThen, scopeNow] = [then.recordScope ?? 'ALL', now.recordScope ?? 'ALL'];
  if (scopes.indexOf(scopeNow) < scopes.indexOf(scopeThen)) return true;
  return scopeNow === 'TEAM' && scopeThen === 'TEAM' && !then.teamIds?.every((id) => now.teamIds?.includes(id));
}
