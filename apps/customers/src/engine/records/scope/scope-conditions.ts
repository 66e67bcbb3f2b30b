import { ownedBySeen, seenIf } from '@rapport/persistence';

/** For records with owners, whose rows have the id of a user or API key, and that of a team. */
export const ofOwners = ownedBySeen('owner_id', 'owner_team_id');

/** For files that nobody can tell the owners of yet. */
export const ofNobody = seenIf('false');

/**
 * For rows that belong to records of a type: they are seen with all of those.
 *
 * @param table of the records, whose function `sees_<table>` tells whether the transaction sees one, live or deleted
 * @param columns with the id of such a record each
 */
export function ofRecords(table: string, ...columns: string[]): string {
  const seen = columns.map((column) => `sees_${table}(${column})`).join(' and ');
  return seenIf(columns.length > 1 ? `(${seen})` : seen);
}
