import type { ScriptedRelay, SharedPlatform } from '@rapport/testing';
import { WebhookTenant } from '../sync-platform.ts';
import { until } from '../until.ts';

type Json = Record<string, unknown>;

export interface SentMessage extends Json {
  id: string;
  state: string;
  stateReason?: string;
  internetMessageId: string;
}

/** A tenant with a relay and a mailbox that sends by it. */
export class MailTenant {
  readonly api: WebhookTenant;
  readonly relayId: string;
  readonly mailboxId: string;

  private constructor(api: WebhookTenant, relayId: string, mailboxId: string) {
    this.api = api;
    this.relayId = relayId;
    this.mailboxId = mailboxId;
  }

  static async create(platform: SharedPlatform, { port }: ScriptedRelay, relay: Json = {}): Promise<MailTenant> {
    const api = await WebhookTenant.create(platform);
    const server = { name: 'Relay', host: '127.0.0.1', port, security: 'NONE' };
    const { id: relayId } = await api.ok<{ id: string }>('POST', '/v1/relays', { ...server, ...relay });
    const mailbox = {
      address: 'support@example.com',
      displayName: 'Support',
      kind: 'SEND_ONLY',
      isDefault: true,
      relayId,
    };
    const { id: mailboxId } = await api.ok<{ id: string }>('POST', '/v1/mailboxes', mailbox);
    const tenant = new MailTenant(api, relayId, mailboxId);
    await until(() => tenant.canSend());
    return tenant;
  }

  /** Whether customers knows the mailbox. */
  async canSend(): Promise<boolean> {
    const outgoing = { to: ['ada@example.net'], subject: 'Hello', text: 'Hello.' };
    return (await this.api.send('POST', '/v1/messages:send?validateOnly=true', outgoing)).status === 200;
  }

  send(more: Json = {}): Promise<SentMessage> {
    const outgoing = { to: ['ada@example.net'], subject: 'Hello', text: 'Hello.', ...more };
    return this.api.ok<SentMessage>('POST', '/v1/messages:send', outgoing);
  }

  message(id: string): Promise<SentMessage> {
    return this.api.ok<SentMessage>('GET', `/v1/messages/${id}`);
  }

  /** The message once its state is one of these. */
  async inState(id: string, ...states: string[]): Promise<SentMessage> {
    // It takes seconds after a failure, and is looked for where that costs a tenth of a call.
    const isIn = 'select from message where tenant_id = $1 and id = $2 and state = any ($3)';
    const values = [this.api.tenant.tenantId, id, states];
    await until(async () => (await this.api.query(isIn, values, 'customers')).length > 0);
    let message = await this.message(id);
    await until(async () => {
      message = await this.message(id);
      return states.includes(message.state);
    });
    return message;
  }

  /** All messages. */
  async messages(): Promise<SentMessage[]> {
    const found: SentMessage[] = [];
    let token = '';
    do {
      const path = `/v1/messages?pageSize=200${token && `&pageToken=${encodeURIComponent(token)}`}`;
      const page = await this.api.ok<{ messages: SentMessage[]; nextPageToken?: string }>('GET', path);
      found.push(...page.messages);
      token = page.nextPageToken ?? '';
    } while (token);
    return found;
  }

  /** Ends the claims of messages, as time does. */
  async endLeases(): Promise<void> {
    await this.api.query(
      `update mail_job set lease_end_time = 'epoch' where tenant_id = $1 and lease_end_time is not null`,
      [this.api.tenant.tenantId],
      'customers',
    );
  }

  relay(): Promise<Json> {
    return this.api.ok('GET', `/v1/relays/${this.relayId}`);
  }

  changeRelay(changes: Json): Promise<Json> {
    return this.api.ok('PATCH', `/v1/relays/${this.relayId}`, changes);
  }
}

/** How often a relay got each e-mail, by its Message-ID. */
export function copiesOf(mails: readonly { content: string }[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { content } of mails) {
    const id = /^Message-ID: <([^>]+)>/im.exec(content)?.[1] ?? '';
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}
