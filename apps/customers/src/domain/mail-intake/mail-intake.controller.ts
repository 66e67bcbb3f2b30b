import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, PrincipalVerifier, type ServiceHandlers } from '@rapport/contracts';
import type { Empty } from '@rapport/contracts/google/protobuf/empty';
import {
  MailIntakeServiceService as Methods,
  type ClaimStoredMessagesRequest,
  type ClaimStoredMessagesResponse,
  type FileMessageRequest,
  type FileMessageResponse,
  type ListStoredMessagesRequest,
  type ListStoredMessagesResponse,
  type ListUnparsedTenantsRequest,
  type ListUnparsedTenantsResponse,
  type MailIntakeServiceServer,
  type ReadRawMessageRequest,
  type ReadRawMessageResponse,
  type RejectMessageRequest,
  type StoreAttachmentRequest,
  type StoreAttachmentResponse,
  type StoredMessage,
  type StoreLargeMessageRequest,
  type StoreMessagesRequest,
  type StoreMessagesResponse,
} from '@rapport/contracts/rapport/content/v1/mail_intake_service';
import { invalidField, type Caller } from '@rapport/platform';
import { FileStore } from '../../engine/files/file-store.js';
import { Sealing } from '../../engine/sealing/sealing.js';
import { forMailOf, streamForMail, tenantsWithWork, writeForMail } from '../messages/mail-caller.js';
import { SuppressionKey } from '../suppressions/suppression-key.js';
import { fileMessage, rejectMessage } from './file-message.js';
import { senderTries } from './sender.js';
import { receiveAttachment, storeAttachment } from './store-attachment.js';
import { receiveItem, storeMessages } from './store-messages.js';
import { claimStored, listStored, rawBytes } from './stored-mail.js';

/** Takes the messages of mailboxes. For sync only: each handler works for the tenant of its request. */
@Controller()
@ImplementsService(Methods)
export class MailIntakeController implements ServiceHandlers<MailIntakeServiceServer> {
  constructor(
    readonly em: EntityManager,
    readonly sealing: Sealing,
    private readonly store: FileStore,
    private readonly suppressionKey: SuppressionKey,
    private readonly principals: PrincipalVerifier,
  ) {}

  async storeMessages(request: StoreMessagesRequest): Promise<StoreMessagesResponse> {
    await this.#checkRoom(
      request.tenantId,
      request.items.reduce((sum, { raw }) => sum + raw.length, 0),
    );
    return writeForMail(this, Methods.storeMessages, request, async (each) => ({
      messages: await storeMessages(each, request),
    }));
  }

  async storeLargeMessage(requests: AsyncIterable<StoreLargeMessageRequest>): Promise<StoredMessage> {
    const received = await receiveItem(requests);
    await this.#checkRoom(received.tenantId, received.items[0]?.raw.length ?? 0);
    const { messages } = await writeForMail(this, Methods.storeMessages, received, async (each) => ({
      messages: await storeMessages(each, received),
    }));
    return messages[0]!;
  }

  listUnparsedTenants({ afterTenantId }: ListUnparsedTenantsRequest): Promise<ListUnparsedTenantsResponse> {
    return tenantsWithWork(this.em, 'PARSE', afterTenantId);
  }

  claimStoredMessages(request: ClaimStoredMessagesRequest): Promise<ClaimStoredMessagesResponse> {
    return writeForMail(this, Methods.claimStoredMessages, request, (each) => claimStored(each, request));
  }

  readRawMessage({ tenantId, messageId }: ReadRawMessageRequest): AsyncGenerator<ReadRawMessageResponse, void> {
    return streamForMail(this, tenantId, () => this.#raw(messageId));
  }

  async storeAttachment(requests: AsyncIterable<StoreAttachmentRequest>): Promise<StoreAttachmentResponse> {
    const received = await receiveAttachment(requests);
    await this.#checkRoom(received.tenantId, received.data.length);
    return writeForMail(this, Methods.storeAttachment, received, (each) => storeAttachment(each, received));
  }

  async fileMessage(request: FileMessageRequest): Promise<FileMessageResponse> {
    const key = await forMailOf(this, request.tenantId, () => this.suppressionKey.of(this.em));
    const agent = await this.#agentOf(request);
    return senderTries(() =>
      writeForMail(this, Methods.fileMessage, request, (each) => fileMessage(each, request, { key, agent })),
    );
  }

  rejectMessage(request: RejectMessageRequest): Promise<Empty> {
    return writeForMail(this, Methods.rejectMessage, request, async (each) => {
      await rejectMessage(each, request);
      return {};
    });
  }

  listStoredMessages(request: ListStoredMessagesRequest): Promise<ListStoredMessagesResponse> {
    return writeForMail(this, Methods.listStoredMessages, request, (each) => listStored(each, request));
  }

  /** @throws AppError UNAUTHENTICATED for a token that has expired: the next attempt of sync has another one */
  async #agentOf({ tenantId, agentToken }: FileMessageRequest): Promise<Caller | undefined> {
    if (agentToken === undefined) return undefined;
    const agent = await this.principals.verify(agentToken);
    if (agent.tenantId === tenantId) return agent;
    throw invalidField('agentToken', 'NOT_ALLOWED', 'must be of a user of the tenant');
  }

  /** @throws AppError RESOURCE_EXHAUSTED FILE_QUOTA */
  #checkRoom(tenantId: string, bytes: number): Promise<void> {
    return forMailOf(this, tenantId, () => this.store.checkRoom(this.em, bytes));
  }

  async *#raw(id: string): AsyncGenerator<ReadRawMessageResponse, void> {
    for await (const data of rawBytes(this.em, this.store, id)) yield { data };
  }
}
