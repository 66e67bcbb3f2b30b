import { callContext, type Caller } from './call-context.js';

/**
 * Ids of the owners whose records the caller can read and change: its own and, with the scope TEAM, its teams.
 * Undefined when it can access all. Empty for a principal that can own nothing, such as an OAuth client.
 */
export function ownersSeenBy({ recordScope = 'ALL', principalId, teamIds = [] }: Caller): string[] | undefined {
  if (recordScope === 'ALL') return undefined;
  const own = ownerIdOf(principalId);
  return [...(own === undefined ? [] : [own]), ...(recordScope === 'TEAM' ? teamIds : [])];
}

/** The owner id of a user or an API key; undefined for other principals. */
export function ownerIdOf(principalId: string): string | undefined {
  return /^(?:user|apiKey):([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(principalId)?.[1];
}

/**
 * The id of the user who calls; undefined for other principals, and for what acts in the name of a user later, such as a
 * flow.
 */
export function callingUserId(): string | undefined {
  const { caller, cause } = callContext.getStore() ?? {};
  return cause === undefined && caller?.principalId.startsWith('user:') ? ownerIdOf(caller.principalId) : undefined;
}

/** Whether the current caller is limited to the records of some owners. */
export function seesSomeOnly(): boolean {
  const { recordScope = 'ALL' } = callContext.getStore()?.caller ?? {};
  return recordScope !== 'ALL';
}
