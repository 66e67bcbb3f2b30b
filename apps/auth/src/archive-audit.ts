/** Operator's command that archives the audit of all tenants: see `archiveAuditCommand`. */
import { archiveAuditCommand } from '@rapport/persistence';
import { entities } from './storage/database.js';

await archiveAuditCommand({ entities });
