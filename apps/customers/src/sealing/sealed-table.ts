import { tenantIsolation } from '@rapport/persistence';

/**
 * What an entity with sealed columns spreads into its definition instead of `tenantIsolation`: from the moment on in which
 * the encryption of a tenant is turned on, the database takes no row of it that is not sealed, whoever writes it.
 *
 * @param isSealed SQL: whether a row is sealed
 */
export function sealedTable(isSealed: string) {
  const sealedOnly = {
    name: 'sealed_only',
    command: 'all' as const,
    type: 'restrictive' as const,
    using: 'true',
    check: sealedOnlyCheck(isSealed),
  };
  return { ...tenantIsolation, policies: [...tenantIsolation.policies, sealedOnly] };
}

/** The table of tenants shows one its own row only, so this is looked up once for a statement. */
export function sealedOnlyCheck(isSealed: string): string {
  return `(${isSealed}) or not exists (select from tenant_encryption)`;
}
