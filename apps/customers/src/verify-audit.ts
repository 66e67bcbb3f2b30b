/** Operator's command that verifies the audit of all tenants, or archives of it: see `verifyAuditCommand`. */
import { verifyAuditCommand } from '@rapport/persistence';
import { findOtherChanges } from './engine/changes/audit/audited-changes.js';
import { entities } from './database.js';

await verifyAuditCommand({ service: 'customers', entities, findOtherContent: findOtherChanges });
