import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import type { Any } from '@rapport/contracts/google/protobuf/any';
import { HttpHeader } from '@rapport/contracts/rapport/api/v1/http_header';
import type { Message } from '@rapport/contracts/rapport/content/v1/message';
import {
  MessageActionsServiceService as Methods,
  type CancelMessageRequest,
  type DownloadRawMessageRequest,
  type GetMessageBccRequest,
  type GetMessageBccResponse,
  type MessageActionsServiceServer,
  type ReleaseMessageRequest,
  type RerouteMessageRequest,
  type ResendMessageRequest,
  type SendMessageRequest,
} from '@rapport/contracts/rapport/content/v1/message_actions_service';
import type { StatementTransaction } from '@rapport/persistence';
import { AppError, invalidField } from '@rapport/platform';
import { isHiding } from '../../engine/fields/hidden-data.js';
import { FileStore } from '../../engine/files/file-store.js';
import { hotWriteCall } from '../../engine/records/write-call.js';
import { attachment } from '../files/file-name.js';
import { keepLive } from '../leads/match-customer.js';
import { getMessageBcc } from '../messages/blind-copies.js';
import { cancelMessage, isOfFlow, resendMessage, sendMessage } from '../messages/send-message.js';
import { SuppressionKey } from '../suppressions/suppression-key.js';
import { takeMessageOfFlow } from '../ticket-actions/automatic-turns.js';
import { releaseMessage, rerouteMessage } from './release-message.js';
import { customerOf, senderTries } from './sender.js';
import { rawBytes, rawFile } from './stored-mail.js';

@Controller()
@ImplementsService(Methods)
export class MessageActionsController implements ServiceHandlers<MessageActionsServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly store: FileStore,
    private readonly suppressionKey: SuppressionKey,
  ) {}

  async sendMessage(request: SendMessageRequest): Promise<Message> {
    const key = await this.suppressionKey.of(this.em);
    return hotWriteCall(this.em, Methods.sendMessage, request, async (each) => {
      const message = await sendMessage(each, request, { key, customerId: await partyOf(each, request) });
      if (isOfFlow()) await takeMessageOfFlow(each, message.mailboxId!, message.toAddresses);
      return message;
    });
  }

  cancelMessage(request: CancelMessageRequest): Promise<Message> {
    return hotWriteCall(this.em, Methods.cancelMessage, request, (each) =>
      cancelMessage(each, request.id, request.etag),
    );
  }

  resendMessage(request: ResendMessageRequest): Promise<Message> {
    return hotWriteCall(this.em, Methods.resendMessage, request, (each) =>
      resendMessage(each, request.id, request.etag),
    );
  }

  rerouteMessage(request: RerouteMessageRequest): Promise<Message> {
    return hotWriteCall(this.em, Methods.rerouteMessage, request, (each) => rerouteMessage(each, request));
  }

  releaseMessage(request: ReleaseMessageRequest): Promise<Message> {
    return senderTries(() =>
      hotWriteCall(this.em, Methods.releaseMessage, request, (each) => releaseMessage(each, request)),
    );
  }

  getMessageBcc(request: GetMessageBccRequest): Promise<GetMessageBccResponse> {
    return getMessageBcc(this.em, request);
  }

  /** Always an attachment: a browser that opened it would run what a stranger wrote. */
  async *downloadRawMessage({ id }: DownloadRawMessageRequest): AsyncGenerator<HttpBody, void> {
    if (isHiding()) {
      throw new AppError('PERMISSION_DENIED', 'PERSONAL_DATA_HIDDEN', 'Personal data is hidden from this caller.');
    }
    const { isReceived, size } = await rawFile(this.em, id);
    if (!isReceived) throw new AppError('FAILED_PRECONDITION', 'MESSAGE_STATE', 'The message was not received.');
    if (size === undefined) throw new AppError('NOT_FOUND', 'FILE_NOT_FOUND', 'The message has no bytes.');
    const extensions = [
      header('content-disposition', attachment('message.eml')),
      header('content-length', String(size)),
    ];
    yield { contentType: 'message/rfc822', data: Buffer.alloc(0), extensions };
    for await (const data of rawBytes(this.em, this.store, id)) yield { contentType: '', data, extensions: [] };
  }
}

/** The customer that a message is about: as given, or with the address of the first recipient. */
async function partyOf(
  transaction: StatementTransaction,
  { outgoing }: SendMessageRequest,
): Promise<string | undefined> {
  const given = outgoing?.customerId;
  if (given === undefined) return customerOf(transaction, outgoing?.to[0] ?? '', 'outgoing.to[0]');
  if (await keepLive(transaction, given)) return given;
  throw invalidField('outgoing.customerId', 'CUSTOMER_NOT_FOUND', 'must be the id of a live customer');
}

function header(name: string, value: string): Any {
  const bytes = HttpHeader.encode({ name, value }).finish();
  return { typeUrl: 'type.googleapis.com/rapport.api.v1.HttpHeader', value: Buffer.from(bytes) };
}
