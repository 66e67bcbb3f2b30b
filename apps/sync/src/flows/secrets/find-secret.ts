import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant } from '@rapport/persistence';
import type { ClientBase } from 'pg';
import { rowOwner } from '../../storage/sealed-row.js';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';

/**
 * The value of a secret of a tenant, for a step that sends it.
 *
 * @param em with the session of the tenant
 * @returns undefined for one that does not exist
 */
export async function findFlowSecret(
  em: EntityManager,
  envelope: SecretEnvelope,
  tenantId: string,
  name: string,
): Promise<string | undefined> {
  const [row] = await readForTenant<{ sealed_value: Buffer }>(em, {
    sql: 'select sealed_value from flow_secret where tenant_id = $1 and name = $2',
    values: [tenantId, name],
  });
  return row && envelope.open(row.sealed_value, rowOwner('flow_secret', tenantId, name)).toString();
}

/** `findFlowSecret` in a transaction of the tenant. */
export async function secretOf(
  client: ClientBase,
  envelope: SecretEnvelope,
  tenantId: string,
  name: string,
): Promise<string | undefined> {
  const { rows } = await client.query<{ sealed_value: Buffer }>({
    name: 'find_flow_secret',
    text: 'select sealed_value from flow_secret where tenant_id = $1 and name = $2',
    values: [tenantId, name],
  });
  const [row] = rows;
  return row && envelope.open(row.sealed_value, rowOwner('flow_secret', tenantId, name)).toString();
}
