import type { Provider } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import type { ContractClient } from '@rapport/contracts';
import type { OutgoingHttp } from '../../outgoing-http/outgoing-http.js';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import { OAuthTokens } from '../oauth-tokens.js';
import { MailParser } from '../parsing/mail-parser.js';
import { VirusScanner } from '../parsing/virus-scanner.js';
import { ImapAccounts } from './imap-accounts.js';
import { MailReceiver } from './mail-receiver.js';
import { MailboxWorker } from './mailbox-worker.js';
import { ParseWorker } from './parse-worker.js';
import { StoredMail } from './stored-mail.js';
import { UnparsedMail } from './unparsed-mail.js';

export interface IntakeOptions {
  customers: Pick<ContractClient, 'unary' | 'stream' | 'upload'>;
  auth: Pick<ContractClient, 'unary'>;
  envelope: SecretEnvelope;
  http: OutgoingHttp;
  /** `host:port` of the virus scanner; empty for none. */
  clamdAddress: string;
}

/** What reads mailboxes, and parses the mails. */
export function intakeProviders({ customers, auth, envelope, http, clamdAddress }: IntakeOptions): Provider[] {
  return [
    { provide: StoredMail, useValue: new StoredMail(customers) },
    {
      provide: ImapAccounts,
      useFactory: (orm: MikroORM, tokens: OAuthTokens) => new ImapAccounts(orm, http, envelope, tokens),
      inject: [MikroORM, OAuthTokens],
    },
    { provide: MailParser, useFactory: () => new MailParser() },
    {
      provide: ParseWorker,
      useFactory: (orm: MikroORM, parser: MailParser) =>
        new ParseWorker(orm, new UnparsedMail(customers, auth, new VirusScanner(clamdAddress)), parser),
      inject: [MikroORM, MailParser],
    },
    {
      provide: MailReceiver,
      useFactory: (stored: StoredMail, parser: ParseWorker) => new MailReceiver(stored, () => parser.wake()),
      inject: [StoredMail, ParseWorker],
    },
    {
      provide: MailboxWorker,
      useFactory: (orm: MikroORM, accounts: ImapAccounts, stored: StoredMail, parser: ParseWorker) =>
        new MailboxWorker(orm, { accounts, stored, customers, onStored: () => parser.wake() }),
      inject: [MikroORM, ImapAccounts, StoredMail, ParseWorker],
    },
  ];
}
