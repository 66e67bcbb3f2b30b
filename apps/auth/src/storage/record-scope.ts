/** Which records a principal sees, from the narrowest to the widest. */
export const recordScopes = ['OWN', 'TEAM', 'ALL'] as const;

export type RecordScope = (typeof recordScopes)[number];
