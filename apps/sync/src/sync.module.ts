import { Module, type DynamicModule } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import type { ContractClient } from '@rapport/contracts';
import { AuditHeadSigner, PersistenceModule, type AuditKeys } from '@rapport/persistence';
import { entities } from './database.js';
import { FeedConsumer } from './feed/feed-consumer.js';
import { ChangeTaker } from './feed/take-changes.js';
import { OutgoingHttp } from './outgoing-http/outgoing-http.js';
import { PageTokenKey } from './page-token-key.js';
import { SecretEnvelope } from './secrets/secret-envelope.js';
import { controllers } from './services.js';
import { Dispatcher } from './webhooks/dispatcher.js';
import { clearExpired } from './webhooks/expired-events.js';
import type { DeliveryRules } from './webhooks/make-attempt.js';
import { renewEndpointKeys } from './webhooks/renew-endpoint-keys.js';
import { Upkeep } from './webhooks/upkeep.js';

export interface SyncOptions {
  databaseUrl: string;
  pageTokenKey: PageTokenKey;
  envelope: SecretEnvelope;
  /** Reaches customers, for its change feed. */
  customers: Pick<ContractClient, 'duplex' | 'close'>;
  http: OutgoingHttp;
  delivery: DeliveryRules;
  /** How long events and deliveries are kept at least. */
  retentionDays: number;
  auditKeys: AuditKeys;
  /** How often the heads of chains that have grown are signed. */
  auditHeadSeconds: number;
}

@Module({})
export class SyncModule {
  static register(options: SyncOptions): DynamicModule {
    const { databaseUrl, envelope, http } = options;
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
        {
          provide: FeedConsumer,
          useFactory: (orm: MikroORM, dispatcher: Dispatcher) => {
            const target = new ChangeTaker(orm, envelope, () => dispatcher.wake());
            return new FeedConsumer(orm, options.customers, target, databaseUrl);
          },
          inject: [MikroORM, Dispatcher],
        },
        {
          provide: Upkeep,
          useFactory: (orm: MikroORM) =>
            new Upkeep(orm, [
              (em, tenantId) => renewEndpointKeys(em, tenantId, envelope),
              (em, tenantId) => clearExpired(em, tenantId, options.retentionDays),
            ]),
          inject: [MikroORM],
        },
      ],
    };
  }
}
