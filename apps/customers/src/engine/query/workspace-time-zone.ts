import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';

/** The default of a workspace. */
export const defaultTimeZone = 'UTC';

/** The time zone in the settings of a workspace: a name of the IANA database. */
export async function workspaceTimeZone(em: EntityManager, tenantId = currentCaller().tenantId): Promise<string> {
  const [settings] = await readForTenant<{ time_zone: string }>(em, {
    name: 'workspace_time_zone',
    sql: 'select time_zone from workspace_settings where tenant_id = $1',
    values: [tenantId],
  });
  return settings?.time_zone ?? defaultTimeZone;
}
