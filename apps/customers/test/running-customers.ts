import { randomBytes } from 'node:crypto';
import { credentials, type Metadata, type ServiceError } from '@grpc/grpc-js';
import {
  ContractClient,
  fromGrpcError,
  PrincipalSigner,
  PrincipalVerifier,
  startGrpcService,
  writeCallMetadata,
  type OutgoingCall,
} from '@rapport/contracts';
import { Customer, CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import {
  CustomersServiceClient,
  type ListCustomersRequest,
} from '@rapport/contracts/rapport/customers/v1/customers_service';
import { AuditKeys, PageTokenKey } from '@rapport/persistence';
import { createLogger, MasterKeys, type Caller } from '@rapport/platform';
import { freePort, type ProvisionedDatabase } from '@rapport/testing';
import pg from 'pg';
import { v7 } from 'uuid';
import { inject } from 'vitest';
import type { BulkLimits } from '../src/engine/pace/bulk-work.js';
import { contract } from '../src/engine/values/contract.js';
import { CustomersModule } from '../src/customers.module.js';
import type { AuthClient } from '../src/engine/records/scope/known-owners.js';
import { SubjectKeys } from '../src/engine/sealing/subject-keys.js';
import { runHandlers, services } from '../src/services.js';
import { SuppressionKey } from '../src/domain/suppressions/suppression-key.js';
import { definitions, type Answer, type Method, type Request } from './customers-methods.ts';
import { newDatabase, newDatabaseOfFile, type Keys } from './databases.js';

interface StartOptions {
  databases?: ProvisionedDatabase;
  keys?: Keys;
  jobLookMs?: number;
  encryptionStalenessMs?: number;
  bulkLimits?: Partial<BulkLimits>;
  fileQuotaBytes?: number;
  auth?: AuthClient;
  /** The process of the platform that calls come from: `edge` by default. */
  peer?: string;
  /** Whether several test files use it. */
  isShared?: boolean;
}

/** The customers service on a database of its own, called as in production. */
export class RunningCustomers {
  private constructor(
    readonly urls: ProvisionedDatabase,
    readonly auditSigningKey: Buffer,
    readonly suppressionKey: SuppressionKey,
    readonly client: CustomersServiceClient,
    /** For streams. */
    readonly streams: ContractClient,
    private readonly principals: PrincipalSigner,
    readonly stop: () => Promise<void>,
  ) {}

  /**
   * @param options an existing database whose service has stopped, the keys of encrypted personal data, and options of
   *   the module
   */
  static async start({
    databases,
    keys,
    peer = 'edge',
    isShared = false,
    ...options
  }: StartOptions = {}): Promise<RunningCustomers> {
    const urls = databases ?? (await (isShared ? newDatabase() : newDatabaseOfFile()));
    const auditSigningKey = randomBytes(32);
    const auditKeys = new AuditKeys('customers', auditSigningKey);
    const suppressionKey = new SuppressionKey(randomBytes(32));
    const principals = await PrincipalSigner.of();
    const verifier = new PrincipalVerifier(principals.publicKeys);
    const address = `127.0.0.1:${await freePort()}`;
    const app = await startGrpcService({
      module: CustomersModule.register({
        databaseUrl: urls.appUrl,
        pageTokenKey: new PageTokenKey(randomBytes(32)),
        auditKeys,
        principals: verifier,
        suppressionKey,
        ...options,
        subjectKeys: keys && new SubjectKeys(keys.databaseUrl, new MasterKeys(keys.masterKey, keys.retired)),
      }),
      services: [...services],
      contract,
      address,
      principals: verifier,
      peer,
      logger: createLogger('customers', process.env['LOG_LEVEL'] ?? 'silent'),
      runHandlers,
      // The plain clients of tests cannot repeat an upload that begins while its connection reaches its age.
      connectionAgeSeconds: 3_600,
    });
    const client = new CustomersServiceClient(address, credentials.createInsecure());
    const streams = new ContractClient(address, services);
    return new RunningCustomers(urls, auditSigningKey, suppressionKey, client, streams, principals, async () => {
      client.close();
      streams.close();
      await app.close();
    });
  }

  /** A superuser's connection to the database. The caller ends it. */
  async connectAsSuperuser(): Promise<pg.Client> {
    const url = new URL(inject('superuserUrl'));
    url.pathname = new URL(this.urls.ownerUrl).pathname;
    const superuser = new pg.Client(url.href);
    await superuser.connect();
    return superuser;
  }

  /** Calls like the edge, or without a caller like a process of the platform. Rejects with the AppError that these get. */
  call<Name extends Method>(name: Name, request: Request<Name>, caller?: Caller): Promise<Answer<Name>> {
    const { path, requestSerialize, requestDeserialize, responseDeserialize } = definitions[name] as unknown as {
      path: string;
      requestSerialize: (request: unknown) => Buffer;
      requestDeserialize: (bytes: Buffer) => object;
      responseDeserialize: (bytes: Buffer) => Answer<Name>;
    };
    return new Promise((resolve, reject) => {
      const settle = (error: ServiceError | null, answer?: Answer<Name>) => {
        if (error) reject(fromGrpcError(error));
        else resolve(answer!);
      };
      const metadata = this.metadataOf(caller);
      const options = { deadline: Date.now() + 20_000 };
      const message = { ...requestDeserialize(Buffer.alloc(0)), ...request };
      this.client.makeUnaryRequest(path, requestSerialize, responseDeserialize, message, metadata, options, settle);
    });
  }

  /** The edge's metadata for a call on behalf of a caller. */
  outgoing(caller: Caller): OutgoingCall {
    return { requestId: v7(), principalToken: this.principals.sign(caller) };
  }

  metadataOf(caller?: Caller): Metadata {
    return writeCallMetadata(caller ? this.outgoing(caller) : { requestId: v7() });
  }

  create(caller: Caller, customer: Partial<Customer>, requestId?: string): Promise<Customer> {
    return this.call('createCustomer', { customer: customerOf(customer), requestId }, caller);
  }

  get(caller: Caller, id: string): Promise<Customer> {
    return this.call('getCustomer', { id }, caller);
  }

  /** Changes exactly the fields in `changes`; undefined clears. */
  update(caller: Caller, id: string, changes: Partial<Customer>, etag?: string): Promise<Customer> {
    const updateMask = Object.keys(changes);
    return this.call('updateCustomer', { id, customer: customerOf(changes), updateMask, etag }, caller);
  }

  delete(caller: Caller, id: string): Promise<Customer> {
    return this.call('deleteCustomer', { id }, caller);
  }

  /** Display names of one page. */
  async names(caller: Caller, request: Partial<ListCustomersRequest>): Promise<(string | undefined)[]> {
    const { customers } = await this.call('listCustomers', request, caller);
    return customers.map(({ displayName }) => displayName);
  }
}

/** A service that no test stops. */
export type SharedCustomers = Omit<RunningCustomers, 'stop'>;

let shared: Promise<SharedCustomers> | undefined;

/**
 * The service shared by all test files that only need tenants: one per test process, which ends it. Tests that kill,
 * reconfigure, count or migrate start one of their own.
 */
export function sharedCustomers(): Promise<SharedCustomers> {
  return (shared ??= RunningCustomers.start({ isShared: true }));
}

let mailed: Promise<SharedCustomers> | undefined;

/** As `sharedCustomers`, for calls of sync. */
export function sharedMailCustomers(): Promise<SharedCustomers> {
  return (mailed ??= RunningCustomers.start({ peer: 'sync', isShared: true }));
}

/** A caller in a new tenant. */
export function newCaller(): Caller {
  return {
    tenantId: v7(),
    principalId: `apiKey:${v7()}`,
    permissions: [
      ...['customers.read', 'customers.write', 'customers.configure', 'audit.read', 'privacy.manage'],
      ...['deals.read', 'deals.write', 'pipelines.read', 'pipelines.configure', 'files.read', 'files.write'],
      ...[
        'workspace.read',
        'workspace.configure',
        'workspace.export',
        'workspace.import',
        'objects.read',
        'objects.write',
      ],
      ...['customObjects.read', 'customObjects.configure', 'views.read', 'views.write'],
      ...['leads.read', 'leads.write', 'assignmentRules.read', 'assignmentRules.configure'],
      ...['forecasts.read', 'forecasts.write', 'forecasts.configure'],
      ...['calls', 'emails', 'meetings', 'notes', 'tasks'].flatMap((area) => [`${area}.read`, `${area}.write`]),
      ...['quotes.read', 'quotes.write', 'quotes.approve'],
      ...['calendars.read', 'calendars.configure'],
      ...['exchangeRates.read', 'exchangeRates.configure', 'products.read', 'products.write'],
      ...['priceBooks.read', 'priceBooks.configure'],
      ...['queues.read', 'queues.configure', 'macros.read', 'macros.write'],
      ...['notifications.read', 'notifications.write', 'timers.read'],
      ...['tickets.read', 'tickets.write', 'ticketStatuses.read', 'ticketStatuses.configure'],
      ...['messages.read', 'messages.send'],
      ...['slaPolicies.read', 'slaPolicies.configure', 'slaTimers.read'],
      ...['templates.read', 'templates.write', 'templates.publish'],
      ...['articles.read', 'articles.write', 'articles.publish'],
      ...['surveys.read', 'surveys.configure', 'surveyResponses.read'],
      ...['topics.read', 'topics.configure'],
      ...['forms.read', 'forms.configure', 'formSubmissions.read'],
      ...['segments.read', 'segments.write', 'segmentMembers.read'],
      ...['campaigns.read', 'campaigns.write', 'campaigns.send', 'campaignRecipients.read'],
      ...['messageEvents.read', 'touchpoints.read'],
    ],
  };
}

/** A complete request message. */
export function customerOf(customer: Partial<Customer>): Customer {
  return { ...Customer.decode(new Uint8Array()), ...customer };
}

/** A person, with a name by default. */
export function person(customer: Partial<Customer> = {}): Partial<Customer> {
  return { kind: CustomerKind.PERSON, displayName: 'Ada Lovelace', ...customer };
}

export function company(customer: Partial<Customer> = {}): Partial<Customer> {
  return { kind: CustomerKind.COMPANY, displayName: 'Analytical Engines Ltd', ...customer };
}
