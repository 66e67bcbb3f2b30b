import { currentCaller, ownersSeenBy } from '@rapport/platform';
import type { RecordType } from '../fields/record-type.js';
import { term } from '../fields/terms.js';
import { indexed, type Condition } from './filter/condition.js';

/**
 * The condition by which an index finds the records in a caller's narrow scope. Row-level security alone would test
 * each record of the tenant.
 */
export function ownedRecords(type: RecordType): Condition[] {
  if (!type.contract.options.owned) return [];
  const owners = ownersSeenBy(currentCaller());
  if (!owners) return [];
  const terms = owners.flatMap((id) => [term(type, 'owner_id', id), term(type, 'owner_team_id', id)]);
  const sql = `${type.table}.terms && array[${terms.map(() => '?').join(', ')}]::text[]`;
  return [{ ...indexed(sql, terms), few: true }];
}
