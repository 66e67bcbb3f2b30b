import { ownersSetting } from './call-variables.js';
import { tenantIsolation } from './tenant-isolation.js';

// A subquery of its own: evaluated once for a statement, not for each row.
const seen = `(select nullif(current_setting('${ownersSetting}', true), ''))`;

/**
 * The condition of rows that have owners: all of them, or those of the owners whose records are seen.
 *
 * @param columns with the id of an owner each
 */
export function ownedBySeen(...columns: string[]): string {
  return seenIf(columns.map((column) => `${column} = any (${seen}::uuid[])`).join(' or '));
}

/** The condition of rows that are seen with all others or else when `condition` is met. */
export function seenIf(condition: string): string {
  return `${seen} is null or ${condition}`;
}

/**
 * What an entity spreads in place of `tenantIsolation` when its rows are records of owners, or belong to such records. A
 * policy that restricts: it can't let anything through that is not the tenant's.
 *
 * @param condition that `createScopePolicy` got for the table
 */
export function recordIsolation(condition: string) {
  const policy = {
    name: 'record_scope',
    type: 'restrictive',
    command: 'all',
    using: condition,
    check: condition,
  } as const;
  return { ...tenantIsolation, policies: [...tenantIsolation.policies, policy] };
}

/** SQL that gives a table the policy of `recordIsolation`. */
export function createScopePolicy(table: string, condition: string): string {
  return `create policy record_scope on ${table} as restrictive using (${condition}) with check (${condition});`;
}
