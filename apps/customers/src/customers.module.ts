import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { PrincipalVerifier } from '@rapport/contracts';
import { AuditHeadSigner, AuditKeys, PageTokenKey, PersistenceModule } from '@rapport/persistence';
import { BulkPace } from './engine/pace/bulk-pace.js';
import { BulkWork, type BulkLimits } from './engine/pace/bulk-work.js';
import { ChangeTail } from './engine/changes/log/change-tail.js';
import { LoggedTypes } from './engine/changes/log/logged-types.js';
import { reportLog, reportOutbox } from './engine/changes/log/change-metrics.js';
import { changeLogBytes, outboxState } from './engine/changes/log/outbox-state.js';
import { Sequencer, type ChangeRetention } from './engine/changes/log/sequencer.js';
import { entities } from './database.js';
import { UndoFollower } from './engine/merge/unmerge-customers.js';
import { FileStore } from './engine/files/file-store.js';
import { clearFiles } from './engine/files/remove-files.js';
import { importKind } from './engine/import/operation/import-kind.js';
import { OperationKinds } from './engine/operations/operation-kind.js';
import { OperationWorker } from './engine/operations/operation-worker.js';
import { OperationWatcher } from './engine/operations/watch-operation.js';
import { objectRecords } from './domain/custom-objects/object-records.js';
import { deals } from './domain/deals/deals.js';
import { leads } from './domain/leads/leads.js';
import { tasks } from './domain/work/tasks.js';
import { notes } from './domain/work/notes.js';
import { calls } from './domain/work/calls.js';
import { meetings } from './domain/work/meetings.js';
import { emails } from './domain/work/emails.js';
import { customerImport } from './domain/customers/import/customer-import.js';
import { importRulesOf } from './engine/import/derived/import-rules-of.js';
import { ImportTypes } from './engine/import/import-rules.js';
import { exportKind } from './domain/workspace/export-workspace.js';
import { importKind as workspaceImportKind } from './domain/workspace/import-workspace.js';
import { sectionsOf } from './domain/workspace/archive/sections.js';
import { encryptionKind } from './engine/encryption/encrypt-tenant.js';
import { KeyDestroyer } from './engine/encryption/key-destroyer.js';
import { KnownOwners, type AuthClient } from './engine/records/scope/known-owners.js';
import { Sealing } from './engine/sealing/sealing.js';
import type { SubjectKeys } from './engine/sealing/subject-keys.js';
import { loggedTypes } from './record-types.js';
import { controllers } from './services.js';
import { timerWorker } from './timer-handlers.js';
import { MessageTopics } from './domain/messages/message-topics.js';
import { TopicsOfMessages } from './domain/topics/topics-of-messages.js';
import { ConsoleUrl } from './domain/notifications/digest-outbox.controller.js';
import { PublicUrl } from './domain/links/public-links.js';
import { SegmentFollower } from './domain/segments/segment-follower.js';
import { SegmentWorker } from './domain/segments/segment-worker.js';
import { KeptWithdrawals } from './domain/consents/keep-withdrawals.js';
import { SuppressionKey } from './domain/suppressions/suppression-key.js';

const importTypes = new ImportTypes(
  [
    customerImport,
    importRulesOf(deals),
    importRulesOf(objectRecords),
    importRulesOf(leads),
    importRulesOf(tasks),
    importRulesOf(notes),
    importRulesOf(calls),
    importRulesOf(meetings),
    importRulesOf(emails),
  ],
  importRulesOf,
);

/** Settings of the service. */
export interface CustomersOptions {
  databaseUrl: string;
  pageTokenKey: PageTokenKey;
  suppressionKey: SuppressionKey;
  /** Access to the keys of encrypted personal data. Without it, no tenant can encrypt. */
  subjectKeys?: SubjectKeys | undefined;
  /** Verifies the principal tokens that auth signs. */
  principals: PrincipalVerifier;
  /** Knows the users, API keys and teams of tenants. Without it, requests can name any as owners of records. */
  auth?: AuthClient;
  /** Retention of changes. Default: 30 days, whatever they take. */
  retention?: ChangeRetention;
  auditKeys: AuditKeys;
  /** Interval at which the heads of grown chains are signed. Default: 600. */
  auditHeadSeconds?: number;
  /** Polling interval for operations that other processes have started. Default: 400. */
  jobLookMs?: number;
  /** How long any process may treat a tenant as unencrypted after it begins encryption. Default: 1,000. */
  encryptionStalenessMs?: number;
  /** Overrides of the default limits of bulk work. */
  bulkLimits?: Partial<BulkLimits>;
  /** Most bytes of a tenant's files. Default: 10 GiB. */
  fileQuotaBytes?: number;
  /** Where browsers reach the pages of links. */
  publicUrl?: string;
  /** Where browsers reach the console. Default: `publicUrl`. */
  consoleUrl?: string | undefined;
  /** Whether tests may shift the clock that decides which timers are due. */
  allowsClockShift?: boolean;
}

/** What folders below those of consents and topics ask of them, and what lies outside the service: its URLs and auth. */
function outerProviders(
  suppressionKey: SuppressionKey,
  { auth, publicUrl, consoleUrl }: { auth: AuthClient | undefined; publicUrl: string; consoleUrl: string },
): Provider[] {
  return [
    { provide: PublicUrl, useValue: new PublicUrl(publicUrl) },
    { provide: ConsoleUrl, useValue: new ConsoleUrl(consoleUrl) },
    ...(auth ? [{ provide: KnownOwners, useFactory: () => KnownOwners.use(auth) }] : []),
    { provide: MessageTopics, useValue: new TopicsOfMessages(suppressionKey, publicUrl) },
    { provide: UndoFollower, useValue: new KeptWithdrawals(suppressionKey) },
  ];
}

@Module({})
export class CustomersModule {
  static register({
    databaseUrl,
    pageTokenKey,
    auditKeys,
    suppressionKey,
    subjectKeys,
    principals,
    auth,
    retention = { days: 30 },
    auditHeadSeconds = 600,
    jobLookMs = 400,
    encryptionStalenessMs = 1_000,
    bulkLimits = {},
    fileQuotaBytes = 10 * 1_024 ** 3,
    publicUrl = 'http://127.0.0.1:8080',
    consoleUrl = publicUrl,
    allowsClockShift = false,
  }: CustomersOptions): DynamicModule {
    const sequencer = new Sequencer(databaseUrl, retention);
    const files = new FileStore(fileQuotaBytes);
    const bulk = new BulkWork(bulkLimits);
    const workspaces = { sections: sectionsOf(loggedTypes), files, suppressionKey };
    const operationKinds = new OperationKinds(
      [importKind(importTypes, bulk), encryptionKind, exportKind(workspaces), workspaceImportKind(workspaces)],
      clearFiles,
    );
    return {
      module: CustomersModule,
      imports: [PersistenceModule.register({ databaseUrl, entities, onWritten: () => sequencer.wake() })],
      controllers,
      providers: [
        { provide: PageTokenKey, useValue: pageTokenKey },
        { provide: PrincipalVerifier, useValue: principals },
        { provide: SuppressionKey, useValue: suppressionKey },
        { provide: LoggedTypes, useValue: loggedTypes },
        { provide: FileStore, useValue: files },
        ...outerProviders(suppressionKey, { auth, publicUrl, consoleUrl }),
        { provide: BulkWork, useValue: bulk },
        {
          provide: Sequencer,
          useFactory: (em: EntityManager) => paced(sequencer, em, retention),
          inject: [EntityManager],
        },
        { provide: AuditKeys, useValue: auditKeys },
        {
          provide: AuditHeadSigner,
          useFactory: (orm: MikroORM) => new AuditHeadSigner(orm, auditKeys, auditHeadSeconds),
          inject: [MikroORM],
        },
        {
          provide: Sealing,
          useFactory: (em: EntityManager) => new Sealing(subjectKeys, encryptionStalenessMs).registerFor(em),
          inject: [EntityManager],
        },
        KeyDestroyer,
        { provide: ChangeTail, useFactory: () => new ChangeTail(databaseUrl) },
        { provide: ImportTypes, useValue: importTypes },
        { provide: OperationKinds, useValue: operationKinds },
        {
          provide: OperationWorker,
          useFactory: (orm: MikroORM, bulk: BulkWork) => new OperationWorker(orm, operationKinds, bulk, jobLookMs),
          inject: [MikroORM, BulkWork],
        },
        OperationWatcher,
        {
          provide: SegmentFollower,
          useFactory: (orm: MikroORM, tail: ChangeTail) => new SegmentFollower(orm, tail, pageTokenKey),
          inject: [MikroORM, ChangeTail],
        },
        {
          provide: SegmentWorker,
          useFactory: (orm: MikroORM, tail: ChangeTail, follower: SegmentFollower) =>
            new SegmentWorker(orm, tail, follower),
          inject: [MikroORM, ChangeTail, SegmentFollower],
        },
        timerWorker({ suppressionKey, publicUrl }, allowsClockShift),
      ],
    };
  }
}

/** The sequencer at the pace of the process, with its figures reported. */
function paced(sequencer: Sequencer, em: EntityManager, { mostBytes }: ChangeRetention): Sequencer {
  sequencer.setPace(BulkPace.of(em));
  reportOutbox(() => outboxState(em));
  reportLog({ bytes: () => changeLogBytes(em), mostBytes });
  return sequencer;
}
