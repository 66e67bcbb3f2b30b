import { currentCaller, ownersSeenBy } from '@rapport/platform';
import { term } from '../fields/customer-terms.js';
import { indexed, type Condition } from './filter/condition.js';

/**
 * What an index finds the customers by that a caller sees who sees those of some owners only. Row-level security would test each
 * customer of the tenant for that.
 */
export function ownedCustomers(): Condition[] {
  const owners = ownersSeenBy(currentCaller());
  if (!owners) return [];
  const terms = owners.flatMap((id) => [term('owner_id', id), term('owner_team_id', id)]);
  const sql = `customer.terms && array[${terms.map(() => '?').join(', ')}]::text[]`;
  return [{ ...indexed(sql, terms), few: true }];
}
