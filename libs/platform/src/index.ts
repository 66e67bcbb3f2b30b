export { decrypt, encrypt } from './crypto/aes-gcm.js';
export {
  AppError,
  invalidArgument,
  invalidField,
  permissionMissing,
  type ErrorCode,
  type FieldViolation,
} from './app-error.js';
export { auditEntryKinds, securityEventKinds, type AuditKind, type SecurityEventKind } from './audit-kinds.js';
export { violationCodes, type ViolationCode } from './violation-codes.js';
export { allows, commonPermissions, permissionForAll } from './callers/permissions.js';
export { checkCredentialManagement } from './callers/check-credential-management.js';
export {
  callContext,
  currentCaller,
  flowOrigin,
  requireService,
  requireSync,
  type CallCause,
  type CallClient,
  type CallContext,
  type Caller,
} from './callers/call-context.js';
export { noteCertificate } from './certificate-validity.js';
export { closeServer } from './http/close-server.js';
export { countryFinder } from './values/countries.js';
export { cutText } from './values/cut-text.js';
export { csvLine, CsvLineCounter, withoutFormulaGuard, type CsvDelimiter } from './values/csv-lines.js';
export { FairSlots } from './workers/fair-slots.js';
export { followFiles } from './follow-files.js';
export { canonicalLocale, knownTimeZone, localeViolations } from './values/locales.js';
export { answerProbe, startHealthServer } from './http/health-server.js';
export { printKeyUses, secretKeyId, type KeyUse } from './crypto/key-uses.js';
export { hmac, secretOf } from './crypto/secret-key.js';
export { MasterKeys, type WrappedKey } from './crypto/master-keys.js';
export { countRetiredKeyUse, decryptByAny, keyIdOf, KeyRing } from './crypto/retired-keys.js';
export { metrics } from './logging/metrics.js';
export { createLogger, nestLogger, type Logger } from './logging/logger.js';
export { blockOf, networkOf } from './http/network-of.js';
export { html, Html, maxHtmlDepth } from './http/html.js';
export { pageHeadersOf, publicPage, type PageSources, type PublicPage, type WrittenPage } from './http/public-page.js';
export { jsonSize } from './values/json-size.js';
export { once } from './values/once.js';
export { pageLanguage, type PageLanguage } from './values/languages.js';
export { readRetryAfter } from './http/retry-after.js';
export {
  address,
  ConfigurationError,
  ed25519Key,
  endUnlessConfigured,
  filePath,
  names,
  parseEnvironment,
  port,
  publicKeys,
  publicUrl,
  readEnvironment,
  secretKey,
  secretKeys,
  target,
} from './environment/read-environment.js';
export {
  archiveVariables,
  auditArchiveVariables,
  processVariables,
  verificationVariables,
} from './environment/process-variables.js';
export { Readiness, type ReadinessChecks } from './readiness.js';
export { callingUserId, ownerIdOf, ownersSeenBy, seesSomeOnly } from './callers/record-owners.js';
export { runUntilStopped } from './run-until-stopped.js';
export {
  continueTrace,
  currentTraceId,
  errorKind,
  failSpan,
  inSpan,
  isTracing,
  keepSpan,
  linkTo,
  runInSpan,
  SpanKind,
  startSpan,
  startTrace,
  startTracing,
  stopTracing,
  traceparentOf,
  type Span,
} from './tracing/tracing.js';
export { LimitedThread } from './threads/limited-thread.js';
export { TenantThreads, ThreadEnded, type ThreadLimits } from './threads/tenant-threads.js';
export { LoopWorker } from './workers/loop-worker.js';
export { WakeSignal } from './workers/wake-signal.js';
export { WorkerLoop } from './workers/worker-loop.js';
