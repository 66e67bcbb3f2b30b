/**
 * Operator command that verifies the chains of security events of all tenants. It prints one line of JSON for each tenant, and
 * exits with 1 if a chain is invalid. The line of an invalid chain contains the first invalid event.
 */
import { AuditKeys, verifyAllAudits } from '@rapport/persistence';
import { readEnvironment } from '@rapport/platform';
import { verificationVariables } from './configuration.js';
import { entities } from './storage/database.js';

const { DATABASE_URL: databaseUrl, ...config } = readEnvironment(verificationVariables);
const keys = new AuditKeys('auth', config.AUDIT_SIGNING_KEY, config.AUDIT_RETIRED_KEYS);

process.exitCode = (await verifyAllAudits({ databaseUrl, entities }, { keys })) ? 0 : 1;
