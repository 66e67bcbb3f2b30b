/**
 * A policy for a table with sealed columns. Once encryption is enabled for a tenant, the database rejects its rows that are not sealed.
 *
 * @param isSealed SQL condition that holds for a sealed row
 */
export function sealedOnly(isSealed: string) {
  return {
    name: 'sealed_only',
    command: 'all',
    type: 'restrictive',
    using: 'true',
    // Row-level security shows a tenant only its own row here, so PostgreSQL evaluates this once per statement.
    check: `(${isSealed}) or not exists (select from tenant_encryption)`,
  } as const;
}
