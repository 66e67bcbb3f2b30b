import type { EntityManager } from '@mikro-orm/postgresql';
import { ownersSetting, tenantSetting } from './call-variables.js';
import { pipeline, type Statement } from './driver/pipeline.js';
import { withConnection } from './pooled-connection.js';

/**
 * Reads what the session of `em` may see, in one network round trip: row-level security's settings and the statement are
 * a transaction of their own, outside of any that `em` has open. Without a tenant no tenant's rows are seen.
 *
 * @param settings of PostgreSQL, for this statement only, such as `{ enable_seqscan: 'off' }`
 * @returns the rows, with values as `em.execute` gives them
 */
export async function readForTenant<Row extends object>(
  em: EntityManager,
  statement: Statement,
  settings: Readonly<Record<string, string>> = {},
): Promise<Row[]> {
  const { [tenantSetting]: tenantId, [ownersSetting]: owners } = em.getSessionContext()?.variables ?? {};
  const variables = {
    ...settings,
    [tenantSetting]: typeof tenantId === 'string' ? tenantId : '',
    // Callers who see all need no setting for it.
    ...(typeof owners === 'string' && { [ownersSetting]: owners }),
  };
  const [, result] = await withConnection(em, (client) => pipeline(client, [settingStatement(variables), statement]));
  return result?.rows as Row[];
}

/** A statement that makes settings for its transaction. */
export function settingStatement(variables: Readonly<Record<string, string>>): Statement {
  const entries = Object.entries(variables);
  const calls = entries.map((_, index) => `set_config($${2 * index + 1}, $${2 * index + 2}, true)`);
  // One name for each number of settings: what they are called are values.
  return { sql: `select ${calls.join(', ')}`, values: entries.flat(), name: `settings_${entries.length}` };
}
