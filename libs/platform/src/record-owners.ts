import { callContext, type Caller } from './call-context.js';

/**
 * Ids of the owners whose records a caller may see and change: its own and, with the scope TEAM, those of its teams. Undefined
 * when it may see all. Nobody's for a principal without an id that can own anything, such as an OAuth client.
 */
export function ownersSeenBy({ recordScope = 'ALL', principalId, teamIds = [] }: Caller): string[] | undefined {
  if (recordScope === 'ALL') return undefined;
  const own = ownerIdOf(principalId);
  return [...(own === undefined ? [] : [own]), ...(recordScope === 'TEAM' ? teamIds : [])];
}

/** The id by which a user or an API key owns records; undefined for other principals. */
export function ownerIdOf(principalId: string): string | undefined {
  return /^(?:user|apiKey):([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(principalId)?.[1];
}

/** Whether the call that is being answered is for somebody who may see some records only. */
export function seesSomeOnly(): boolean {
  const { recordScope = 'ALL' } = callContext.getStore()?.caller ?? {};
  return recordScope !== 'ALL';
}
