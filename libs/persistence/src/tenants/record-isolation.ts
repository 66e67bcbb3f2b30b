import { ownersSetting } from './call-variables.js';
import { tenantIsolation } from './tenant-isolation.js';

const owners = `nullif(current_setting('${ownersSetting}', true), '')`;

/** A policy that takes away from what others let through. */
interface RestrictivePolicy {
  readonly name: string;
  readonly type: 'restrictive';
  readonly command: 'all';
  readonly using: string;
  readonly check: string;
}

/**
 * The condition of rows that have owners: all of them, or those of the owners whose records are seen.
 *
 * @param columns with the id of an owner each
 */
export function ownedBySeen(...columns: string[]): string {
  return seenIf(columns.map((column) => `${column} = any (${owners}::uuid[])`).join(' or '));
}

/**
 * The condition of rows that are seen with all others or else when `condition` is met. That all are seen is found out once for a
 * statement, by a subquery of its own, and not for each row. The planner takes that something is not null for nearly certain, so
 * that it makes the plans that it would make without the policy.
 */
export function seenIf(condition: string): string {
  return `(select true where ${owners} is null) is not null or ${condition}`;
}

/**
 * What an entity spreads in place of `tenantIsolation` when its rows are records of owners, or belong to such records. A
 * policy that restricts: it can't let anything through that is not the tenant's.
 *
 * @param condition of the policy `record_scope` that the table has got by its migration
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
