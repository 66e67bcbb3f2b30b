import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import type { ContractClient, PrincipalVerifier } from '@rapport/contracts';
import type { Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import {
  AuditHeadSigner,
  PageTokenKey,
  PersistenceModule,
  type AuditKeys,
  type DatabaseOptions,
} from '@rapport/persistence';
import { connectorEnvironment } from '../exchange/connections/connector-environment.js';
import { Peers } from '../exchange/connections/open-connection.js';
import { CustomFieldTypes } from '../exchange/customers/custom-field-types.js';
import { CustomerFilters } from '../exchange/customers/customer-filter.js';
import { PrincipalTokens } from '../exchange/customers/principal-tokens.js';
import { TenantUsers } from '../exchange/customers/tenant-users.js';
import { clearExpiredHooks } from '../exchange/hooks/expired-hooks.js';
import { HookProver } from '../exchange/hooks/prove-hook.js';
import { JsonataEvaluator } from '../exchange/mappings/jsonata-evaluator.js';
import { MappingTicker } from '../exchange/runs/mapping-ticker.js';
import { MappingRunner } from '../exchange/runs/run-mapping.js';
import { DeferredWorker } from '../feed/deferred-worker.js';
import { FeedConsumer } from '../feed/feed-consumer.js';
import { ChangeTaker } from '../feed/take-changes.js';
import type { Taken } from '../feed/tenant-changes.js';
import { approvalHooks } from '../flows/approvals/open-approvals.js';
import { TenantMembers } from '../flows/approvals/tenant-members.js';
import { SyncRunStarter } from '../flows/effects/connector-effect.js';
import { ChangedRecords } from '../flows/triggers/changed-records.js';
import { EnrollmentFilters } from '../flows/definitions/checks/enrollment-filters.js';
import { DefinitionChecks } from '../flows/definitions/checks/definition-checks.js';
import { TenantFields } from '../flows/definitions/checks/tenant-fields.js';
import { clearExpiredBackfills } from '../flows/backfills/expired-backfills.js';
import { clearExpiredDecisions } from '../flows/triggers/expired-decisions.js';
import { ClockWorker } from '../flows/triggers/times/clock-worker.js';
import { RecordCalls } from '../flows/effects/record-calls.js';
import { FlowCustomers } from '../flows/enrollments/flow-customers.js';
import { DueRecords } from '../flows/triggers/times/due-records.js';
import { effectReleaser } from '../flows/effects/release-effects.js';
import { flowProviders } from '../flows/flow-providers.js';
import { clearExpiredRuns } from '../flows/runs/expired-runs.js';
import { renewSealedRuns } from '../flows/runs/renew-sealed-runs.js';
import { FlowWorker } from '../flows/worker/flow-worker.js';
import { intakeProviders } from '../mail/intake/intake-providers.js';
import { MailWake } from '../mail/mail-wake.js';
import { OAuthTokens } from '../mail/oauth-tokens.js';
import { relayProviders } from '../mail/relays/relay-providers.js';
import { sendingProviders } from '../mail/sending/sending-providers.js';
import { OutgoingHttp } from '../outgoing-http/outgoing-http.js';
import { ClosingWorker } from '../storage/closing-worker.js';
import { JobQueue } from '../storage/job-queue.js';
import { renewSealedRows } from '../storage/sealed-row.js';
import { SecretEnvelope } from '../storage/secret-envelope.js';
import { UserStateWorker } from '../storage/user-state-worker.js';
import { Dispatcher } from '../webhooks/deliveries/dispatcher.js';
import type { DeliveryRules } from '../webhooks/deliveries/make-attempt.js';
import { Upkeep } from '../webhooks/deliveries/upkeep.js';
import { renewEndpointKeys } from '../webhooks/endpoints/renew-endpoint-keys.js';
import { clearExpired, clearExpiredQuarantine } from '../webhooks/events/expired-events.js';
import { RecordFilters } from '../webhooks/events/record-filters.js';
import { dueWorkProvider } from './due-work-provider.js';
import { controllers } from './services.js';
import { RunWatcher } from './runs/watch-run.js';
import { createRun } from './runs/create-run.js';
import { clearKeptLinks } from './mappings/kept-links.js';

export interface SyncOptions extends Pick<DatabaseOptions, 'databaseUrl' | 'entities'> {
  pageTokenKey: PageTokenKey;
  envelope: SecretEnvelope;
  /** Client of customers: the change feed, and the records that are exchanged. */
  customers: Pick<ContractClient, 'unary' | 'stream' | 'upload' | 'duplex' | 'close'>;
  /** Client of auth, which issues the principal tokens of connections. */
  auth: Pick<ContractClient, 'unary' | 'close'>;
  principals: PrincipalVerifier;
  /** How long the permissions of a principal are cached. */
  rightsKeptMs: number;
  /** Directory with the files of connections; empty for none. */
  filesDir: string;
  http: OutgoingHttp;
  /** Name servers of DNS checks, as `address:port`; those of the system if there are none. */
  dnsServers: readonly string[];
  /** `host:port` of clamd, which scans attachments; empty for none. */
  clamdAddress: string;
  delivery: DeliveryRules;
  /** Minimum retention of events and deliveries. */
  retentionDays: number;
  auditKeys: AuditKeys;
  /** Interval between signatures of the heads of audit chains that have grown. */
  auditHeadSeconds: number;
}

@Module({})
export class SyncModule {
  static register(options: SyncOptions): DynamicModule {
    const { databaseUrl, entities, envelope, http } = options;
    const filters = new RecordFilters(options.customers);
    return {
      module: SyncModule,
      imports: [PersistenceModule.register({ databaseUrl, entities })],
      controllers,
      providers: [
        { provide: PageTokenKey, useValue: options.pageTokenKey },
        { provide: SecretEnvelope, useValue: envelope },
        { provide: OutgoingHttp, useValue: http },
        {
          provide: AuditHeadSigner,
          useFactory: (orm: MikroORM) => new AuditHeadSigner(orm, options.auditKeys, options.auditHeadSeconds),
          inject: [MikroORM],
        },
        {
          provide: Dispatcher,
          useFactory: (orm: MikroORM) => new Dispatcher(orm, http, envelope, options.delivery),
          inject: [MikroORM],
        },
        { provide: RecordFilters, useValue: filters },
        { provide: TenantMembers, useValue: new TenantMembers(options.auth) },
        ...feedProviders(options, filters),
        {
          provide: DefinitionChecks,
          useFactory: (calls: RecordCalls, members: TenantMembers) => {
            const fields = new TenantFields(options.customers, options.auth);
            return new DefinitionChecks(fields, filters, new EnrollmentFilters(calls), members);
          },
          inject: [RecordCalls, TenantMembers],
        },
        ...flowProviders(options),
        { provide: OAuthTokens, useValue: new OAuthTokens(http) },
        ...relayProviders(options),
        ...sendingProviders(options),
        ...intakeProviders(options),
        MailWake,
        { provide: HookProver, useValue: new HookProver(envelope) },
        RunWatcher,
        JsonataEvaluator,
        {
          provide: PrincipalTokens,
          useFactory: () => new PrincipalTokens(options.auth, options.principals, options.rightsKeptMs),
        },
        ...ofTenants(options),
        { provide: SyncRunStarter, useValue: { create: createRun } },
        {
          provide: Peers,
          useValue: new Peers(envelope, connectorEnvironment(http, options.filesDir)),
        },
        jobQueue(options),
        {
          provide: MappingTicker,
          useFactory: (orm: MikroORM, jobs: JobQueue) => new MappingTicker(orm, jobs),
          inject: [MikroORM, JobQueue],
        },
        {
          provide: ClosingWorker,
          useFactory: (orm: MikroORM) => new ClosingWorker(orm, options.auth, options.customers),
          inject: [MikroORM],
        },
        { provide: UserStateWorker, useValue: new UserStateWorker(options.auth, options.customers) },
        upkeep(options),
        dueWorkProvider,
      ],
    };
  }
}

/** What takes changes and times, and what follows from them. */
function feedProviders({ databaseUrl, envelope, customers }: SyncOptions, filters: RecordFilters): Provider[] {
  const records = new ChangedRecords(customers);
  const flows = { envelope, records, hooks: approvalHooks(envelope) };
  const takingParts = (jobs: JobQueue, entering: FlowCustomers) => {
    return { envelope, jobs, filters, flows: { ...flows, customers: entering } };
  };
  return [
    { provide: ChangedRecords, useValue: records },
    {
      provide: ClockWorker,
      useFactory: (orm: MikroORM, tokens: PrincipalTokens, runs: FlowWorker) => {
        const parts = { ...flows, records: new DueRecords(customers, tokens) };
        return new ClockWorker(orm, parts, () => runs.wake());
      },
      inject: [MikroORM, PrincipalTokens, FlowWorker],
    },
    {
      provide: DeferredWorker,
      useFactory: (
        orm: MikroORM,
        dispatcher: Dispatcher,
        ...[jobs, runs, entering]: [JobQueue, FlowWorker, FlowCustomers]
      ) => new DeferredWorker(orm, takingParts(jobs, entering), wakeFor(dispatcher, runs)),
      inject: [MikroORM, Dispatcher, JobQueue, FlowWorker, FlowCustomers],
    },
    {
      provide: FeedConsumer,
      useFactory: (
        orm: MikroORM,
        dispatcher: Dispatcher,
        ...[jobs, deferred, runs, mail, entering]: [JobQueue, DeferredWorker, FlowWorker, MailWake, FlowCustomers]
      ) => {
        const wake = wakeFor(dispatcher, runs);
        const onTaken = (taken: Taken, changes: readonly Change[]) => {
          wake(taken);
          mail.wakeFor(changes);
        };
        const taker = new ChangeTaker(orm, takingParts(jobs, entering), onTaken, () => deferred.wake());
        return new FeedConsumer(orm, customers, taker, databaseUrl);
      },
      inject: [MikroORM, Dispatcher, JobQueue, DeferredWorker, FlowWorker, MailWake, FlowCustomers],
    },
  ];
}

/** The maintenance of tenants. */
function upkeep({ envelope, retentionDays, customers }: SyncOptions): Provider {
  return {
    provide: Upkeep,
    useFactory: (orm: MikroORM) =>
      new Upkeep(orm, [
        (em, tenantId) => renewEndpointKeys(em, tenantId, envelope),
        (em, tenantId) => renewSealedRows(em, tenantId, envelope),
        (em, tenantId) => clearExpired(em, tenantId, retentionDays),
        (em, tenantId) => clearExpiredQuarantine(em, tenantId, retentionDays),
        (em, tenantId) => clearExpiredHooks(em, tenantId, retentionDays),
        (em, tenantId) => clearKeptLinks(em, tenantId),
        (em, tenantId) => clearExpiredDecisions(em, tenantId),
        (em, tenantId) => clearExpiredBackfills(em, tenantId),
        (em, tenantId) => clearExpiredRuns(em, tenantId, effectReleaser(orm, customers)),
        (em, tenantId) => renewSealedRuns(em, tenantId, envelope),
      ]),
    inject: [MikroORM],
  };
}

/** Wakes what delivers webhooks, and what advances runs. */
function wakeFor(dispatcher: Dispatcher, worker: FlowWorker): (taken: Taken) => void {
  return ({ deliveries, runs }) => {
    if (deliveries > 0) dispatcher.wake();
    if (runs > 0) worker.wake();
  };
}

/** The queue of mapping runs, and the workers that run them. */
function jobQueue({ databaseUrl, envelope, customers }: SyncOptions): Provider {
  return {
    provide: JobQueue,
    useFactory: (
      orm: MikroORM,
      ...[peers, evaluator, tokens, customFields, users]: [
        Peers,
        JsonataEvaluator,
        PrincipalTokens,
        CustomFieldTypes,
        TenantUsers,
      ]
    ) => {
      const runner = new MappingRunner({
        orm,
        peers,
        envelope,
        evaluator,
        customers,
        tokens,
        customFields,
        users,
      });
      return new JobQueue(databaseUrl, (job, signal) => runner.run(job, signal));
    },
    inject: [MikroORM, Peers, JsonataEvaluator, PrincipalTokens, CustomFieldTypes, TenantUsers],
  };
}

/** Reads what mappings need of a tenant. */
function ofTenants({ customers, auth }: SyncOptions): Provider[] {
  return [
    {
      provide: CustomFieldTypes,
      useFactory: (tokens: PrincipalTokens) => new CustomFieldTypes(customers, tokens),
      inject: [PrincipalTokens],
    },
    {
      provide: CustomerFilters,
      useFactory: (tokens: PrincipalTokens) => new CustomerFilters(customers, tokens),
      inject: [PrincipalTokens],
    },
    {
      provide: TenantUsers,
      useFactory: (tokens: PrincipalTokens) => new TenantUsers(auth, tokens),
      inject: [PrincipalTokens],
    },
  ];
}
