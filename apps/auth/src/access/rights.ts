import type { Caller } from '@rapport/platform';
import { recordScopes, type RecordScope } from '../storage/record-scope.js';

/** Permissions of a principal, and the records that they apply to. */
export interface Rights {
  permissions: readonly string[];
  recordScope: RecordScope;
  /** Teams whose records the scope TEAM includes. */
  teamIds: readonly string[];
  /** True when personal data is masked. */
  hidesPii: boolean;
}

/** The rights that a role or an API key grants. */
export type Grant = Omit<Rights, 'teamIds'>;

export function rightsOfCaller({ permissions, recordScope = 'ALL', teamIds = [], hidesPii = false }: Caller): Rights {
  return { permissions, recordScope, teamIds, hidesPii };
}

/**
 * Combines roles: the permissions of all, with the narrowest of their scopes, hiding personal data if one of them does. The widest
 * scope would allow what no role allows: a role that reads all records and one that writes own records would write all records.
 */
export function combineGrants(grants: readonly Grant[]): Grant {
  return {
    permissions: [...new Set(grants.flatMap(({ permissions }) => permissions))].sort(),
    recordScope: recordScopes.find((scope) => grants.some(({ recordScope }) => recordScope === scope)) ?? 'OWN',
    hidesPii: grants.some(({ hidesPii }) => hidesPii),
  };
}

export function isWider(scope: RecordScope, other: RecordScope): boolean {
  return recordScopes.indexOf(scope) > recordScopes.indexOf(other);
}
