/**
 * Operator's command that says which keys the database of customers and that of keys need, one line of JSON for each:
 *
 *     node apps/customers/dist/keys-in-use.js
 *
 * It exits with 1 while a key other than the current one is in use, besides one that verifies audit heads. `UNKNOWN` is one
 * that is not configured: the personal data of its tenants is unreadable until it is.
 */
import { AuditKeys, createOrm, printStoredKeyUses, readForTenant, tenantSession } from '@rapport/persistence';
import { MasterKeys, readEnvironment } from '@rapport/platform';
import { keysInUseVariables } from './configuration.js';
import { entities } from './database.js';
import { keysEntities } from './engine/sealing/keys-database.js';

const config = readEnvironment(keysInUseVariables);
const auditKeys = new AuditKeys('customers', config.AUDIT_SIGNING_KEY, config.AUDIT_RETIRED_KEYS);

const keys = createOrm({ databaseUrl: config.KEYS_DATABASE_URL, entities: keysEntities });
try {
  const masterKey = {
    variable: 'MASTER_KEY',
    keyIds: new MasterKeys(config.MASTER_KEY, config.RETIRED_MASTER_KEYS).ids,
    usesOf: async (_: unknown, tenantId: string) => {
      const rows = await readForTenant<{ master_key_id: string }>(keys.em.fork({ session: tenantSession(tenantId) }), {
        name: 'find_master_key',
        sql: 'select master_key_id from tenant_key where tenant_id = $1',
        values: [tenantId],
      });
      return rows.map((row) => ({ keyId: row.master_key_id, kind: 'tenant', count: 1 }));
    },
  };
  const isDone = await printStoredKeyUses({ databaseUrl: config.DATABASE_URL, entities }, auditKeys, [masterKey]);
  process.exitCode = isDone ? 0 : 1;
} finally {
  await keys.close();
}
