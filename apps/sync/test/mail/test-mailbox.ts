import { randomBytes } from 'node:crypto';
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { createOrm, tenantSession } from '@rapport/persistence';
import { MasterKeys } from '@rapport/platform';
import type { ImapServer, ProvisionedDatabase } from '@rapport/testing';
import { ImapFlow } from 'imapflow';
import { v7 as uuidv7 } from 'uuid';
import { entities } from '../../src/database.js';
import { folderPositions } from '../../src/mail/intake/folder-positions.js';
import { ImapAccounts } from '../../src/mail/intake/imap-accounts.js';
import { MailboxWorker } from '../../src/mail/intake/mailbox-worker.js';
import { readFolder } from '../../src/mail/intake/read-folder.js';
import { reconcileMailbox } from '../../src/mail/intake/reconcile-mailbox.js';
import { StoredMail } from '../../src/mail/intake/stored-mail.js';
import { sealImapSecrets, type ReadMailbox } from '../../src/mail/mailboxes/find-mailbox.js';
import { changeTurn } from '../../src/mail/mailboxes/mailbox-turn.js';
import { Mailbox } from '../../src/mail/mailboxes/mailbox.entity.js';
import type { SignIn, SignInSecrets } from '../../src/mail/mail-credentials.js';
import { OAuthTokens } from '../../src/mail/oauth-tokens.js';
import { OutgoingHttp } from '../../src/outgoing-http/outgoing-http.js';
import { SecretEnvelope } from '../../src/storage/secret-envelope.js';
import { MemoryStore } from './memory-store.ts';

/** What reads mailboxes in one process, over a database of its own. */
export class MailReading {
  readonly orm: MikroORM;
  readonly http = new OutgoingHttp(['127.0.0.1']);
  readonly envelope = new SecretEnvelope(new MasterKeys(randomBytes(32), []));
  readonly accounts: ImapAccounts;

  constructor({ appUrl }: ProvisionedDatabase) {
    this.orm = createOrm({ databaseUrl: appUrl, entities });
    this.accounts = new ImapAccounts(this.orm, this.http, this.envelope, new OAuthTokens(this.http));
  }

  async close(): Promise<void> {
    this.http.close();
    await this.orm.close();
  }
}

/** A mailbox of a tenant of its own, whose mails are stored in memory. */
export class TestMailbox {
  readonly store = new MemoryStore();
  readonly stored = new StoredMail(this.store);

  private constructor(
    private readonly reading: MailReading,
    private readonly server: ImapServer,
    readonly mailbox: ReadMailbox,
  ) {}

  static async create(
    reading: MailReading,
    server: ImapServer,
    { folders = ['INBOX'], signIn, secrets }: { folders?: string[]; signIn?: SignIn; secrets?: SignInSecrets } = {},
  ): Promise<TestMailbox> {
    const [tenantId, id] = [uuidv7(), uuidv7()];
    const user = `user-${id}`;
    const em = reading.orm.em.fork({ session: tenantSession(tenantId) });
    const imap = { host: '127.0.0.1', port: server.port, security: 'NONE', signIn: signIn ?? { user }, folders };
    const mailbox = em.create(Mailbox, {
      ...{ tenantId, id, address: `${user}@example.com`, kind: 'IMAP', imap: imap as Mailbox['imap'] },
      sealedSecrets: sealImapSecrets(reading.envelope, { tenantId, id }, secrets ?? { password: server.password }),
      ...{ displayName: null, relayId: null, replyDomain: null, isDefault: false, authservId: null },
      ...{ state: 'ACTIVE', stateReason: null, version: 1, createdBy: 'test' },
      ...{ createTime: new Date(), updateTime: new Date() },
    });
    await em.flush();
    return new TestMailbox(reading, server, mailbox as ReadMailbox);
  }

  get em(): EntityManager {
    return this.reading.orm.em.fork({ session: tenantSession(this.mailbox.tenantId) });
  }

  get user(): string {
    return this.mailbox.imap.signIn.user;
  }

  /** Another client of the same account. */
  async client(): Promise<ImapFlow> {
    const { port, password } = this.server;
    const auth = { user: this.user, pass: password };
    const client = new ImapFlow({ host: '127.0.0.1', port, secure: false, doSTARTTLS: false, auth, logger: false });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  /** Reads all folders to their ends over a connection of its own. */
  async read(): Promise<void> {
    const { em, mailbox } = this;
    const client = await this.reading.accounts.connect(mailbox);
    try {
      const positions = (await folderPositions(em, mailbox.tenantId, [mailbox.id])).get(mailbox.id) ?? [];
      for (const folder of mailbox.imap.folders) {
        const callbacks = { beforeStore: () => Promise.resolve(), onSkipped: () => {} };
        const reader = { em, client, stored: this.stored, signal: new AbortController().signal, ...callbacks };
        const place = { tenantId: mailbox.tenantId, mailboxId: mailbox.id, folder };
        await readFolder(
          reader,
          place,
          positions.find(({ name }) => name === folder),
        );
      }
    } finally {
      client.close();
    }
  }

  /** A process that reads the mailbox as it changes. */
  async worker(): Promise<MailboxWorker> {
    await changeTurn(this.em, this.mailbox);
    const customers = { unary: () => Promise.resolve({}) };
    const { accounts, orm } = this.reading;
    const worker = new MailboxWorker(orm, { accounts, stored: this.stored, customers, onStored: () => {} });
    worker.onApplicationBootstrap();
    return worker;
  }

  reconcile() {
    return reconcileMailbox(this.em, { accounts: this.reading.accounts, stored: this.stored }, this.mailbox, true);
  }
}
