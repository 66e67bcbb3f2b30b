export type { BenchCase, CaseResult, Sample, Side } from './bench/bench-case.js';
export { measureCases, median } from './bench/measure-cases.js';
export { medianNoise } from './bench/median-noise.js';
export { cpuSeconds, rssMib } from './bench/process-cpu.js';
export { reportCases, type BenchReport } from './bench/report-cases.js';
export { AnswerSwallower } from './servers/answer-swallower.js';
export { Browser, type Visited } from './servers/browser.js';
export { startChromium } from './servers/chromium.js';
export { installDebianPackage } from './servers/debian-package.js';
export {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from './servers/embedded-postgres.js';
export { assertPortFree, freePort } from './free-port.js';
export {
  percentile,
  steadyMs,
  type HttpPlan,
  type HttpRequest,
  type LoadResult,
  type SqlPlan,
} from './load/load-plan.js';
export { LoadProcess } from './load/load-process.js';
export { importSource } from './import-source.js';
export { startNameServer, type NameServer, type NameTexts } from './servers/name-server.js';
export { passedForMs } from './passed-for-ms.js';
export { startPlatform, type Platform, type PlatformOptions } from './platform/platform.js';
export { postgresSettings, type PostgresServer } from './servers/postgres-settings.js';
export { certificateVariables, PlatformCertificates, type CertificateFiles } from './platform/platform-certificates.js';
export { lockingChanges, migrationDigests } from './released-migrations.js';
export { makePlatformTemplate } from './platform/platform-template.js';
export { principalKeys, type PrincipalKeys } from './platform/principal-keys.js';
export { type UnexpectedExit } from './platform/process-exit.js';
export {
  copyDatabase,
  DatabaseCopies,
  provisionDatabase,
  type ProvisionedDatabase,
  type ProvisionOptions,
} from './servers/provision-database.js';
export { keysInUse, type KeysInUse } from './keys-in-use.js';
export { queryDatabase } from './servers/query-database.js';
export { startRedis, type Redis } from './servers/redis.js';
export { sharedPlatform, sharePlatform, type SharedPlatform } from './platform/shared-platform.js';
export { sharedByFiles, sharedInTurn } from './shared-by-files.js';
export { drawnBy, isSoak, printedSeed, printTally, sizeOf, soakTimeoutMs } from './soak.js';
export {
  ScriptedRelay,
  type ReceivedMail,
  type RelayAct,
  type RelayMoment,
  type ScriptedRelayOptions,
} from './servers/scripted-relay.js';
export { ScriptedClamd } from './servers/scripted-clamd.js';
export { SecretFiles } from './platform/secret-files.js';
export { Service, spawnService, type ServiceOptions } from './platform/spawn-service.js';
export { TenantMaker, type Tenant } from './platform/tenant-maker.js';
export { startDovecot, type Dovecot, type DovecotOptions } from './peers/dovecot.js';
export { clamdRoot, startClamd, type Clamd, type ClamdOptions } from './peers/clamd.js';
export { cyrusRoot, startCyrus } from './peers/cyrus.js';
export type { ImapServer } from './peers/imap-server.js';
export { dovecotRoot } from './peers/dovecot-root.js';
export { mailmanRoot, startMailman, type Mailman, type MailmanOptions } from './peers/mailman.js';
export { postfixRoot, startPostfix, type Postfix } from './peers/postfix.js';
export { mailClients, mailClientsRoot, replyWith, type ClientReply, type MailClient } from './peers/mail-clients.js';
