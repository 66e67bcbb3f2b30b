import type { Message } from '@rapport/contracts/rapport/content/v1/message';
import { MessagesServiceService } from '@rapport/contracts/rapport/content/v1/messages_service';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';

/** Received e-mails and those to send. Only the service writes them: see `file-message.ts` and `queue-message.ts`. */
export const messages = defineRecord<Message>('rapport/Message', MessagesServiceService, {
  indexVersion: 1,
});

export const MessagesController = recordController(messages, MessagesServiceService);
