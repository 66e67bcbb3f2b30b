/**
 * Operator's command that says which keys the database of sync needs, one line of JSON for each:
 *
 *     node apps/sync/dist/keys-in-use.js
 *
 * It exits with 1 while a key other than the current one is in use, besides one that verifies audit heads. `UNKNOWN` is one
 * that is not configured: nothing can open what it sealed until it is.
 */
import { AuditKeys, printStoredKeyUses } from '@rapport/persistence';
import { MasterKeys, readEnvironment } from '@rapport/platform';
import { entities } from './database.js';
import { keysInUseVariables } from './serve/configuration.js';
import { countSealedValues } from './storage/sealed-values.js';

const config = readEnvironment(keysInUseVariables);
const auditKeys = new AuditKeys('sync', config.AUDIT_SIGNING_KEY, config.AUDIT_RETIRED_KEYS);
const masterKey = {
  variable: 'MASTER_KEY',
  keyIds: new MasterKeys(config.MASTER_KEY, config.RETIRED_MASTER_KEYS).ids,
  usesOf: countSealedValues,
};

const isDone = await printStoredKeyUses({ databaseUrl: config.DATABASE_URL, entities }, auditKeys, [masterKey]);
process.exitCode = isDone ? 0 : 1;
