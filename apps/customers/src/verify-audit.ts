/**
 * The operator's command that verifies the audit of all tenants. It prints one line of JSON for each, and exits with 1
 * when a chain is invalid: its line names the first invalid entry.
 */
import { AuditKeys, verifyAllAudits } from '@rapport/persistence';
import { readEnvironment } from '@rapport/platform';
import { findOtherChanges } from './engine/changes/audit/audited-changes.js';
import { verificationVariables } from './configuration.js';
import { entities } from './database.js';

const { DATABASE_URL: databaseUrl, ...config } = readEnvironment(verificationVariables);
const keys = new AuditKeys('customers', config.AUDIT_SIGNING_KEY, config.AUDIT_RETIRED_KEYS);
const check = { keys, findOtherContent: findOtherChanges };

process.exitCode = (await verifyAllAudits({ databaseUrl, entities }, check)) ? 0 : 1;
