/**
 * Operator's command that verifies the audit chains of all tenants. It prints one line of JSON per chain and exits with
 * 1 when a chain is broken; its line names the first bad entry.
 */
import { AuditKeys, verifyAllAudits } from '@rapport/persistence';
import { readEnvironment } from '@rapport/platform';
import { verificationVariables } from './serve/configuration.js';
import { entities } from './database.js';

const { DATABASE_URL: databaseUrl, ...config } = readEnvironment(verificationVariables);
const keys = new AuditKeys('sync', config.AUDIT_SIGNING_KEY, config.AUDIT_RETIRED_KEYS);

process.exitCode = (await verifyAllAudits({ databaseUrl, entities }, { keys })) ? 0 : 1;
