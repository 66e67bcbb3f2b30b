/**
 * A policy for a table with sealed columns: from the moment on in which the encryption of a tenant is turned on, the
 * database takes no row of it that is not sealed, whoever writes it.
 *
 * @param isSealed SQL: whether a row is sealed
 */
export function sealedOnly(isSealed: string) {
  return {
    name: 'sealed_only',
    command: 'all',
    type: 'restrictive',
    using: 'true',
    // The table of tenants shows one its own row only, so this is looked up once for a statement.
    check: `(${isSealed}) or not exists (select from tenant_encryption)`,
  } as const;
}
