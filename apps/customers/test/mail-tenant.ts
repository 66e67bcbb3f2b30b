import { createHash } from 'node:crypto';
import { credentials, type ClientWritableStream, type Metadata, type ServiceError } from '@grpc/grpc-js';
import { fromGrpcError } from '@rapport/contracts';
import {
  MailIntakeServiceClient,
  MailIntakeServiceService,
  ParsedMessage,
  StoreAttachmentRequest,
  StoreLargeMessageRequest,
  type FileMessageResponse,
  type StoreAttachmentResponse,
  type StoredMessage,
} from '@rapport/contracts/rapport/content/v1/mail_intake_service';
import type { ClaimedMessage, MailOutcome } from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import { MessageClass, type Message } from '@rapport/contracts/rapport/content/v1/message';
import { OutgoingMessage } from '@rapport/contracts/rapport/content/v1/message_actions_service';
import type { Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import type { TicketEntry } from '@rapport/contracts/rapport/support/v1/ticket_entry';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { newCaller, type SharedCustomers } from './running-customers.js';

/** Opens the stream of a call. */
type OpenStream<Request, Answer> = (
  client: MailIntakeServiceClient,
  metadata: Metadata,
  settle: (error: ServiceError | null, answer: Answer) => void,
) => ClientWritableStream<Request>;

/** A tenant with a mailbox, and the calls of sync for it. */
export class MailTenant {
  readonly mailboxId = v7();
  #uid = 0;

  private constructor(
    /** Takes its callers for sync. */
    readonly service: SharedCustomers,
    readonly caller = newCaller(),
  ) {}

  /** @param address of the mailbox, which is the default one and sends */
  static async create(service: SharedCustomers, address = 'support@kestrel.example'): Promise<MailTenant> {
    const tenant = new MailTenant(service);
    await tenant.putMailbox(tenant.mailboxId, address);
    return tenant;
  }

  get tenantId(): string {
    return this.caller.tenantId;
  }

  async putMailbox(mailboxId: string, address: string, replyDomain?: string): Promise<void> {
    const { tenantId } = this;
    await this.service.call('putMailAddress', {
      ...{ tenantId, mailboxId, address, name: 'Kestrel', replyDomain },
      ...{ isDefault: mailboxId === this.mailboxId, canSend: true },
    });
  }

  /** Stores messages at the next places of the inbox, or at one. */
  async store(raws: readonly string[], place: { uid?: number; uidValidity?: number } = {}): Promise<StoredMessage[]> {
    const items = raws.map((text) => this.item(text, place));
    const { tenantId, mailboxId } = this;
    return (await this.service.call('storeMessages', { tenantId, mailboxId, items })).messages;
  }

  item(text: string, { uid = (this.#uid += 1), uidValidity = 1 }: { uid?: number; uidValidity?: number } = {}) {
    const raw = Buffer.from(text);
    const sha256 = createHash('sha256').update(raw).digest('hex');
    return { folder: 'INBOX', uidValidity, uid, raw, sha256, internalDate: '2026-11-29T10:00:00Z' };
  }

  storeLarge(pieces: readonly Buffer[]): Promise<StoredMessage> {
    const { tenantId, mailboxId } = this;
    const item = { ...this.item(''), raw: pieces[0]!, sha256: '' };
    const first = { ...StoreLargeMessageRequest.decode(new Uint8Array()), tenantId, mailboxId, item };
    const others = pieces.slice(1).map((data) => ({ ...StoreLargeMessageRequest.decode(new Uint8Array()), data }));
    return this.#send<StoreLargeMessageRequest, StoredMessage>(
      (client, ...given) => client.storeLargeMessage(...given),
      [first, ...others],
    );
  }

  storeAttachment(messageId: string, part: number, name: string, data: string): Promise<StoreAttachmentResponse> {
    const { tenantId } = this;
    const blank = StoreAttachmentRequest.decode(new Uint8Array());
    const request = { ...blank, tenantId, messageId, part, name, contentType: 'text/plain', data: Buffer.from(data) };
    return this.#send<StoreAttachmentRequest, StoreAttachmentResponse>(
      (client, ...given) => client.storeAttachment(...given),
      [request],
    );
  }

  /** Stores a message and files it as parsed. */
  async receive(
    parsed: Partial<ParsedMessage> = {},
    agent?: Caller,
  ): Promise<FileMessageResponse & { messageId: string; message: Message }> {
    const [stored] = await this.store([`Subject: ${parsed.subject ?? 'Help'}\r\n\r\nHello`]);
    const messageId = stored!.messageId;
    const filed = await this.file(messageId, parsed, agent);
    return { ...filed, messageId, message: await this.message(messageId) };
  }

  /** @param agent the user with the address of the sender */
  file(messageId: string, parsed: Partial<ParsedMessage> = {}, agent?: Caller): Promise<FileMessageResponse> {
    const { tenantId } = this;
    const agentToken = agent && this.service.outgoing(agent).principalToken;
    return this.service.call('fileMessage', { tenantId, messageId, parsed: parsedMessage(parsed), agentToken });
  }

  message(id: string): Promise<Message> {
    return this.service.call('getMessage', { id }, this.caller);
  }

  ticket(id: string | undefined): Promise<Ticket> {
    return this.service.call('getTicket', { id: id ?? '' }, this.caller);
  }

  async entries(ticketId: string | undefined): Promise<TicketEntry[]> {
    const request = { filter: `ticketId = "${ticketId}"`, orderBy: 'createTime', pageSize: 200 };
    return (await this.service.call('listTicketEntries', request, this.caller)).ticketEntries;
  }

  async ticketCount(): Promise<number> {
    return (await this.service.call('listTickets', { pageSize: 200 }, this.caller)).tickets.length;
  }

  send(outgoing: Partial<OutgoingMessage> = {}, caller = this.caller): Promise<Message> {
    return this.service.call('sendMessage', { outgoing: outgoingMessage(outgoing) }, caller);
  }

  async claim(limit?: number, leaseSeconds?: number): Promise<ClaimedMessage[]> {
    const { tenantId, mailboxId } = this;
    const request = { tenantId, mailboxIds: [mailboxId], limit, worker: 'test', leaseSeconds };
    return (await this.service.call('claimMessages', request)).messages;
  }

  async settle(claimed: readonly ClaimedMessage[], outcome: MailOutcome, response?: string): Promise<string[]> {
    const items = claimed.map(({ message, attempt }) => ({
      ...{ messageId: message!.id, attempt, outcome, response, time: undefined },
    }));
    return (await this.service.call('settleMessages', { tenantId: this.tenantId, items })).ignoredIds;
  }

  /** The bytes of a message, as sync reads them. */
  async raw(messageId: string): Promise<string> {
    const { path } = MailIntakeServiceService.readRawMessage;
    const options = { context: { requestId: v7() }, deadlineMs: 20_000 };
    const pieces: Uint8Array[] = [];
    const request = { tenantId: this.tenantId, messageId };
    for await (const piece of this.service.streams.stream(path, request, options)) {
      pieces.push((piece as { data: Uint8Array }).data);
    }
    return Buffer.concat(pieces).toString();
  }

  #send<Request, Answer>(open: OpenStream<Request, Answer>, requests: readonly Request[]): Promise<Answer> {
    const channelOverride = this.service.client.getChannel();
    const client = new MailIntakeServiceClient('', credentials.createInsecure(), { channelOverride });
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const call = open(client, this.service.metadataOf(), (error, answer) => {
      if (error) reject(fromGrpcError(error));
      else resolve(answer);
    });
    for (const request of requests) call.write(request);
    call.end();
    return promise;
  }
}

/** Gives a tenant a mailbox of a service that takes its callers for the edge. */
export async function addMailbox(service: SharedCustomers, tenantId: string): Promise<string> {
  const [mailboxId] = await addMailboxes(service, tenantId, 1);
  return mailboxId!;
}

/** Gives a tenant mailboxes, of which the first is the default one. */
export async function addMailboxes(service: SharedCustomers, tenantId: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => v7());
  const superuser = await service.connectAsSuperuser();
  await superuser.query(
    `insert into mail_address (tenant_id, mailbox_id, address, is_default, can_send)
     select $1, id, 'support' || number || '@kestrel.example', number = 1, true
     from unnest($2::uuid[]) with ordinality as mailbox (id, number)`,
    [tenantId, ids],
  );
  await superuser.end();
  return ids;
}

/** A complete message of a person, to the mailbox. */
export function parsedMessage(parsed: Partial<ParsedMessage>): ParsedMessage {
  return {
    ...ParsedMessage.decode(new Uint8Array()),
    ...{ internetMessageId: `${v7()}@mail.example`, fromAddress: 'ada@example.com', fromName: 'Ada Lovelace' },
    ...{ toAddresses: ['support@kestrel.example'], subject: 'Help', text: 'Hello', class: MessageClass.HUMAN },
    ...parsed,
  };
}

export function outgoingMessage(outgoing: Partial<OutgoingMessage>): OutgoingMessage {
  return {
    ...OutgoingMessage.decode(new Uint8Array()),
    ...{ to: ['ada@example.com'], subject: 'Your order', text: 'Dear Ada' },
    ...outgoing,
  };
}
