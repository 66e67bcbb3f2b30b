import type { Caller } from '@rapport/platform';
import { recordScopes, type RecordScope } from '../storage/record-scope.js';

/** What a principal may do, and to which records. */
export interface Rights {
  permissions: readonly string[];
  recordScope: RecordScope;
  /** Teams whose records the scope TEAM shows. */
  teamIds: readonly string[];
  /** True when personal data is masked. */
  hidesPii: boolean;
}

/** What a role, or an API key, grants. */
export type Grant = Omit<Rights, 'teamIds'>;

export function rightsOfCaller({ permissions, recordScope = 'ALL', teamIds = [], hidesPii = false }: Caller): Rights {
  return { permissions, recordScope, teamIds, hidesPii };
}

/**
 * What several roles come to: the permissions of all, for the narrowest of their scopes, without the personal data that one of
 * them hides. The widest would allow what none of them does, such as to write all records by a role that reads them all and
 * another that writes one's own.
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
