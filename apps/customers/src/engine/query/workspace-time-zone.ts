import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';

/** That of a workspace that has not set one. */
export const defaultTimeZone = 'UTC';

/** The time zone that the settings of a workspace have: a name of the IANA database. */
export async function workspaceTimeZone(em: EntityManager, tenantId = currentCaller().tenantId): Promise<string> {
  const [settings] = await readForTenant<{ time_zone: string }>(em, {
    name: 'workspace_time_zone',
    sql: 'select time_zone from workspace_settings where tenant_id = $1',
    values: [tenantId],
  });
  return settings?.time_zone ?? defaultTimeZone;
}
