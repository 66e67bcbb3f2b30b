import { currentCaller, ownersSeenBy } from '@rapport/platform';
import type { RecordType } from '../fields/record-type.js';
import { term } from '../fields/terms.js';
import { indexed, type Condition } from './filter/condition.js';

/**
 * For a caller who sees the records of some owners only: the condition by which an index finds them. Row-level security would test
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
