import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { Empty } from '@rapport/contracts/google/protobuf/empty';
import {
  MailAddressesServiceService,
  MailOutboxServiceService as Methods,
  type ClaimMessagesRequest,
  type ClaimMessagesResponse,
  type DeleteMailAddressRequest,
  type ListQueuedTenantsRequest,
  type ListQueuedTenantsResponse,
  type MailAddressesServiceServer,
  type MailOutboxServiceServer,
  type PutMailAddressRequest,
  type ReadOutgoingAttachmentRequest,
  type ReadOutgoingAttachmentResponse,
  type RecordBounceRequest,
  type RecordBounceResponse,
  type SettleMessagesRequest,
  type SettleMessagesResponse,
} from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import { FileStore } from '../../engine/files/file-store.js';
import { Sealing } from '../../engine/sealing/sealing.js';
import { SuppressionKey } from '../suppressions/suppression-key.js';
import { claimMessages } from './claim-messages.js';
import { deleteMailAddress, putMailAddress } from './mail-addresses.js';
import { forMailOf, streamForMail, tenantsWithWork, writeForMail } from './mail-caller.js';
import { MessageTopics } from './message-topics.js';
import { readAttachment } from './read-attachment.js';
import { recordBounce } from './record-bounce.js';
import { settleMessages } from './settle-messages.js';

/** The ledger of messages to send. For sync only: each handler works for the tenant of its request. */
@Controller()
@ImplementsService(Methods)
export class MailOutboxController implements ServiceHandlers<MailOutboxServiceServer> {
  constructor(
    readonly em: EntityManager,
    readonly sealing: Sealing,
    private readonly store: FileStore,
    private readonly suppressionKey: SuppressionKey,
    private readonly topics: MessageTopics,
  ) {}

  listQueuedTenants({ afterTenantId }: ListQueuedTenantsRequest): Promise<ListQueuedTenantsResponse> {
    return tenantsWithWork(this.em, 'SEND', afterTenantId);
  }

  claimMessages(request: ClaimMessagesRequest): Promise<ClaimMessagesResponse> {
    return writeForMail(this, Methods.claimMessages, request, (each) => claimMessages(each, request, this.topics));
  }

  readOutgoingAttachment(request: ReadOutgoingAttachmentRequest): AsyncGenerator<ReadOutgoingAttachmentResponse, void> {
    return streamForMail(this, request.tenantId, () => readAttachment(this.em, this.store, request));
  }

  settleMessages(request: SettleMessagesRequest): Promise<SettleMessagesResponse> {
    return writeForMail(this, Methods.settleMessages, request, (each) => settleMessages(each, request));
  }

  async recordBounce(request: RecordBounceRequest): Promise<RecordBounceResponse> {
    const key = await forMailOf(this, request.tenantId, () => this.suppressionKey.of(this.em));
    return writeForMail(this, Methods.recordBounce, request, (each) =>
      recordBounce(each, { key, topics: this.topics }, request),
    );
  }
}

/** The addresses of the mailboxes of sync. For sync only. */
@Controller()
@ImplementsService(MailAddressesServiceService)
export class MailAddressesController implements ServiceHandlers<MailAddressesServiceServer> {
  constructor(
    readonly em: EntityManager,
    readonly sealing: Sealing,
  ) {}

  putMailAddress(request: PutMailAddressRequest): Promise<Empty> {
    return writeForMail(this, MailAddressesServiceService.putMailAddress, request, (each) => {
      putMailAddress(each, request);
      return Promise.resolve({});
    });
  }

  deleteMailAddress(request: DeleteMailAddressRequest): Promise<Empty> {
    return writeForMail(this, MailAddressesServiceService.deleteMailAddress, request, async (each) => {
      await deleteMailAddress(each, request);
      return {};
    });
  }
}
