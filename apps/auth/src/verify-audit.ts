/**
 * The operator's command that verifies the chains of security events of all tenants. It prints one line of JSON for each, and
 * exits with 1 when one is not sound: its line names the first bad event.
 */
import { AuditKeys, verifyAllAudits } from '@rapport/persistence';
import { readEnvironment } from '@rapport/platform';
import { verificationVariables } from './configuration.js';
import { entities } from './storage/database.js';

const { DATABASE_URL: databaseUrl, ...config } = readEnvironment(verificationVariables);
const keys = new AuditKeys('auth', config.AUDIT_SIGNING_KEY, config.AUDIT_RETIRED_KEYS);

process.exitCode = (await verifyAllAudits({ databaseUrl, entities }, { keys })) ? 0 : 1;
