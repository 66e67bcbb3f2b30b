import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows, type StatementTransaction } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';

/** The defaults of a workspace. */
export const defaultTimeZone = 'UTC';
export const defaultLocale = 'en-US';

/** The time zone in the settings of a workspace: a name of the IANA database. */
export async function workspaceTimeZone(
  source: EntityManager | StatementTransaction,
  tenantId = currentCaller().tenantId,
): Promise<string> {
  const [settings] = await queryRows<{ time_zone: string }>(source, {
    name: 'workspace_time_zone',
    sql: 'select time_zone from workspace_settings where tenant_id = $1',
    values: [tenantId],
  });
  return settings?.time_zone ?? defaultTimeZone;
}
