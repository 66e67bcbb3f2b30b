export { CreateAuditChain } from './migrations/create-audit-chain.migration.js';
export { CreateAuditRemoval } from './migrations/create-audit-removal.migration.js';
export { type AuditEntry, type AuditPoint } from './audit/audit-entry.js';
export { archiveAuditCommand, verifyAuditCommand } from './audit/audit-commands.js';
export { archiveAudits, verifyAuditArchives, type ArchivedChain, type AuditPeriod } from './audit/audit-archive.js';
export { AuditHeadSigner } from './audit/audit-head-signer.js';
export { findAuditHeads, signAuditHead, signAuditHeads } from './audit/audit-heads.js';
export { AuditKeys, type AuditHead } from './audit/audit-keys.js';
export { printStoredKeyUses, type StoredSecret } from './audit/count-key-uses.js';
export { exportAudit } from './audit/export-audit.js';
export { listAudit, type AuditFilter } from './audit/list-audit.js';
export { netstrings } from './audit/netstrings.js';
export { auditEventText, recordAuditEvent, type AuditEvent } from './audit/record-audit-event.js';
export { verifyAudit, type AuditCheck, type AuditVerification } from './audit/verify-audit.js';
export { beyondScope, callVariables, causedBy, forkBeyondScope, tenantSession } from './tenants/call-variables.js';
export { inTenantSession } from './tenants/call-entity-manager.js';
export { catalogFaults } from './tenants/catalog-faults.js';
export { CreateIdempotencyKey } from './migrations/create-idempotency-key.migration.js';
export { createOrm, type DatabaseOptions } from './create-orm.js';
export { CreateTimer } from './migrations/create-timer.migration.js';
export { CreateRefusal } from './migrations/create-refusal.migration.js';
export { databaseChecks } from './connections/database-checks.js';
export {
  callErrorOf,
  isConflict,
  isConnectionLoss,
  isLockTimeout,
  isRefusal,
  isStatementTimeout,
  isStorageFull,
  isUniqueViolation,
  refusalOf,
} from './database-errors.js';
export { DedicatedConnection } from './connections/dedicated-connection.js';
export { checkEtag, etagVersion, formatEtag } from './etag.js';
export { releaseEffects } from './writes/idempotency.js';
export { IdempotencyKey } from './writes/idempotency-key.entity.js';
export { lockTimeout, tableLockTimeoutMs } from './writes/lock-timeout.js';
export { PageTokenKey, readPageToken, signPageToken } from './page-token.js';
export { clientOfTransaction } from './driver/open-transaction.js';
export { pipeline, type Statement } from './driver/pipeline.js';
export { withConnection } from './connections/pooled-connection.js';
export { readEachForTenant, readForTenant, settingStatement } from './tenants/read-for-tenant.js';
export { PersistenceModule } from './persistence.module.js';
export { ownedBySeen, recordIsolation, seenIf } from './tenants/record-isolation.js';
export { missingMigrations, runMigrations, type MigrationClass } from './migrations/run-migrations.js';
export { schemaDifference } from './migrations/schema-difference.js';
export {
  NotAsExpected,
  StatementTransaction,
  type ReadRows,
  type TransactionStatement,
} from './writes/statement-transaction.js';
export { removeTenant, type RemovalPass } from './tenants/remove-tenant.js';
export { tenantIsolation } from './tenants/tenant-isolation.js';
export { filledTables, removeTenantRows, tenantTables } from './tenants/tenant-rows.js';
export { arrayLiteral, TextArray } from './text-array.js';
export { inOpenTransaction, queryRows, runStatements, transactionPipeline } from './writes/transaction-pipeline.js';
export { methodCall, type WriteCall, type WriteMethod, type WriteRequest } from './writes/write-call.js';
export { writeOnce, writeStatementsOnce } from './writes/write-once.js';
export {
  cancelStatement,
  cancelTimers,
  setTimer,
  timerStatement,
  type FiringTimer,
  type TimerHandler,
  type TimerRequest,
  type TimerTarget,
} from './timers/timer.js';
export { TimerWorker } from './timers/timer-worker.js';
