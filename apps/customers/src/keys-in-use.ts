/**
 * Operator's command that says which master keys the keys of tenants are wrapped by, one line of JSON for each:
 *
 *     node apps/customers/dist/keys-in-use.js
 *
 * It exits with 1 while a key other than the current one is in use. `UNKNOWN` is one that is not configured: the personal
 * data of its tenants is unreadable until it is.
 */
import { createOrm, readForTenant, tenantSession } from '@rapport/persistence';
import { MasterKeys, readEnvironment } from '@rapport/platform';
import { keysInUseVariables } from './configuration.js';
import { entities } from './database.js';
import { keysEntities } from './engine/sealing/keys-database.js';

const config = readEnvironment(keysInUseVariables);
const current = new MasterKeys(config.MASTER_KEY).currentId;
const retired = config.RETIRED_MASTER_KEYS.map((key) => new MasterKeys(key).currentId);
const tenantsOf = new Map([current, ...retired].map((id) => [id, 0]));

const orm = createOrm({ databaseUrl: config.DATABASE_URL, entities });
const keys = createOrm({ databaseUrl: config.KEYS_DATABASE_URL, entities: keysEntities });
try {
  const tenants = await orm.em.fork().execute<{ id: string }[]>('select audit_tenants() as id');
  for (const { id } of tenants) {
    const [row] = await readForTenant<{ master_key_id: string }>(keys.em.fork({ session: tenantSession(id) }), {
      name: 'find_master_key',
      sql: 'select master_key_id from tenant_key where tenant_id = $1',
      values: [id],
    });
    if (row) tenantsOf.set(row.master_key_id, (tenantsOf.get(row.master_key_id) ?? 0) + 1);
  }
} finally {
  await Promise.all([orm.close(), keys.close()]);
}

for (const [keyId, count] of tenantsOf) {
  const line = { variable: 'MASTER_KEY', keyId, state: stateOf(keyId), tenants: count };
  process.stdout.write(`${JSON.stringify(line)}\n`);
  if (keyId !== current && count > 0) process.exitCode = 1;
}

function stateOf(keyId: string): 'CURRENT' | 'RETIRED' | 'UNKNOWN' {
  if (keyId === current) return 'CURRENT';
  return retired.includes(keyId) ? 'RETIRED' : 'UNKNOWN';
}
