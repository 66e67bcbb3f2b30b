import { ownedBySeen, seenIf } from '@rapport/persistence';

/** For records with owners, whose rows have the id of a user or API key, and that of a team. */
export const ofOwners = ownedBySeen('owner_id', 'owner_team_id');

/** For rows whose owner is not known yet: visible only with the scope ALL. */
export const ofNobody = seenIf('false');

/**
 * For rows that belong to records of a type: visible together with all of those.
 *
 * @param table of the records; its function `sees_<table>` returns whether the transaction sees a record, live or
 *   deleted
 * @param columns each with the id of such a record
 */
export function ofRecords(table: string, ...columns: string[]): string {
  const seen = columns.map((column) => `sees_${table}(${column})`).join(' and ');
  return seenIf(columns.length > 1 ? `(${seen})` : seen);
}
