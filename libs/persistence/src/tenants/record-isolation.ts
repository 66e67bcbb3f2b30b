import { ownersSetting } from './call-variables.js';
import { tenantIsolation } from './tenant-isolation.js';

const owners = `nullif(current_setting('${ownersSetting}', true), '')`;

/** A restrictive policy: it removes rows that other policies admit. */
interface RestrictivePolicy {
  readonly name: string;
  readonly type: 'restrictive';
  readonly command: 'all';
  readonly using: string;
  readonly check: string;
}

/**
 * The condition of rows with owners: all of them, or those of the owners in the session's scope.
 *
 * @param columns each with the id of an owner
 */
export function ownedBySeen(...columns: string[]): string {
  return seenIf(columns.map((column) => `${column} = any (${owners}::uuid[])`).join(' or '));
}

/**
 * The condition of rows that are visible to an unlimited session or when `condition` holds. A subquery evaluates the
 * session's limit once per statement, not once per row. The planner estimates `is not null` as almost always true, so
 * it chooses the same plans as without the policy.
 */
export function seenIf(condition: string): string {
  return `(select true where ${owners} is null) is not null or ${condition}`;
}

/**
 * Spread into an entity in place of `tenantIsolation` when its rows are records with owners, or belong to such records.
 * The policy is restrictive: it admits nothing beyond the tenant's rows.
 *
 * @param condition of the policy `record_scope` that the table's migration created
 * @param further policies of the table
 */
export function recordIsolation(condition: string, ...further: RestrictivePolicy[]) {
  const policy: RestrictivePolicy = {
    name: 'record_scope',
    type: 'restrictive',
    command: 'all',
    using: condition,
    check: condition,
  };
  return { ...tenantIsolation, policies: [...tenantIsolation.policies, policy, ...further] };
}
