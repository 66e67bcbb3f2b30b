import type { Dovecot, SharedPlatform } from '@rapport/testing';
import { ImapFlow } from 'imapflow';
import { WebhookTenant } from '../sync-platform.ts';
import { until } from '../until.ts';

type Json = Record<string, unknown>;

export interface Mail extends Json {
  id: string;
  direction: 'IN' | 'OUT';
  state: string;
  automatic?: string;
  class?: string;
  fromAddress?: string;
  toAddresses: string[];
  internetMessageId?: string;
  ticketId?: string;
  threadingRule?: string;
}

const authservId = 'mx.kestrel.invalid';

/** A tenant with a relay, and with a mailbox of a Dovecot that sends by it. */
export class TenantMailbox {
  private constructor(
    readonly tenant: WebhookTenant,
    readonly address: string,
    readonly id: string,
    private readonly inbox: ImapFlow,
  ) {}

  static async create(
    platform: SharedPlatform,
    { dovecot, relayPort, address }: { dovecot: Dovecot; relayPort: number; address: string },
  ): Promise<TenantMailbox> {
    const tenant = await WebhookTenant.create(platform);
    const create = async (path: string, body: Json) => (await tenant.ok<{ id: string }>('POST', path, body)).id;
    const auth = { user: `support-${tenant.tenant.tenantId}`, pass: dovecot.password };
    const server = { host: '127.0.0.1', port: dovecot.port };
    const inbox = new ImapFlow({ ...server, secure: false, doSTARTTLS: false, auth, logger: false });
    await inbox.connect();
    const smtp = { name: 'Relay', host: '127.0.0.1', port: relayPort, security: 'NONE' };
    const relayId = await create('/v1/relays', smtp);
    const imap = { ...server, security: 'NONE', credentials: { user: auth.user, password: auth.pass } };
    const id = await create('/v1/mailboxes', { address, kind: 'IMAP', isDefault: true, imap, relayId, authservId });
    return new TenantMailbox(tenant, address, id, inbox);
  }

  /** Answers new tickets of the mailbox automatically. */
  async answerAutomatically(): Promise<void> {
    const template = { key: 'received', name: 'Received', subject: 'We got it', body: 'We look into it.' };
    const { id } = await this.tenant.ok<{ id: string }>('POST', '/v1/templates', template);
    await this.tenant.ok('POST', `/v1/templates/${id}:publish`);
    const queue = { key: 'mail', name: 'Mail', mailboxIds: [this.id], autoReplyTemplateId: id };
    // A new mailbox is known to queues a moment later.
    await until(async () => (await this.tenant.send('POST', '/v1/queues', queue)).status < 300);
  }

  /** A mail comes to the server of the mailbox, which has checked the sender. */
  async arrive(content: string | Buffer, dmarc: 'pass' | 'none' = 'pass'): Promise<void> {
    const checked = Buffer.from(`Authentication-Results: ${authservId}; dmarc=${dmarc}\r\n`);
    await this.inbox.append('INBOX', Buffer.concat([checked, Buffer.from(content)]));
  }

  /** All mails, oldest first. */
  async mails(): Promise<Mail[]> {
    const found: Mail[] = [];
    let token = '';
    do {
      const path = `/v1/messages?orderBy=createTime&pageSize=200${token && `&pageToken=${encodeURIComponent(token)}`}`;
      const page = await this.tenant.ok<{ messages: Mail[]; nextPageToken?: string }>('GET', path);
      found.push(...page.messages);
      token = page.nextPageToken ?? '';
    } while (token);
    return found;
  }

  close(): void {
    this.inbox.close();
  }
}
