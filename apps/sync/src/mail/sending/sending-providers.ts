import type { Provider } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import type { ContractClient } from '@rapport/contracts';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import { RelayConnector } from '../relays/connect-relay.js';
import { MailSender } from './mail-sender.js';
import { Outbox } from './outbox.js';

export interface SendingOptions {
  customers: Pick<ContractClient, 'unary' | 'stream'>;
  envelope: SecretEnvelope;
}

/** What hands messages over to relays. */
export function sendingProviders({ customers, envelope }: SendingOptions): Provider[] {
  return [
    {
      provide: MailSender,
      useFactory: (orm: MikroORM, connector: RelayConnector) =>
        new MailSender(orm, new Outbox(customers), envelope, connector),
      inject: [MikroORM, RelayConnector],
    },
  ];
}
