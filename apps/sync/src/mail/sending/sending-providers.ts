import type { Provider } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import type { ContractClient } from '@rapport/contracts';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import { CampaignOutbox } from '../campaigns/campaign-outbox.js';
import { CampaignQueue } from '../campaigns/campaign-queue.js';
import { DigestOutbox } from '../digests/digest-outbox.js';
import { DigestQueue } from '../digests/digest-queue.js';
import { RelayConnector } from '../relays/connect-relay.js';
import { MessageQueue } from './message-queue.js';
import { Outbox } from './outbox.js';
import { RelayPools } from './relay-pools.js';
import { RelayTurns } from './relay-turns.js';

export interface SendingOptions {
  customers: Pick<ContractClient, 'unary' | 'stream'>;
  auth: Pick<ContractClient, 'unary'>;
  envelope: SecretEnvelope;
}

/** Sends the messages of people and flows. */
export class MailSender extends RelayTurns {}

/** Sends the e-mails of campaigns. */
export class CampaignSender extends RelayTurns {}

/** Sends the daily digests of notifications. */
export class DigestSender extends RelayTurns {}

/** What hands messages over to relays. */
export function sendingProviders({ customers, auth, envelope }: SendingOptions): Provider[] {
  return [
    {
      provide: RelayPools,
      useFactory: (connector: RelayConnector) => new RelayPools(connector),
      inject: [RelayConnector],
    },
    {
      provide: MailSender,
      useFactory: (orm: MikroORM, pools: RelayPools) =>
        new MailSender({ orm, envelope, pools, queue: new MessageQueue(new Outbox(customers, auth)) }),
      inject: [MikroORM, RelayPools],
    },
    {
      provide: CampaignSender,
      useFactory: (orm: MikroORM, pools: RelayPools) =>
        new CampaignSender({ orm, envelope, pools, queue: new CampaignQueue(orm, new CampaignOutbox(customers)) }),
      inject: [MikroORM, RelayPools],
    },
    {
      provide: DigestSender,
      useFactory: (orm: MikroORM, pools: RelayPools) =>
        new DigestSender({ orm, envelope, pools, queue: new DigestQueue(new DigestOutbox(customers, auth)) }),
      inject: [MikroORM, RelayPools],
    },
  ];
}
