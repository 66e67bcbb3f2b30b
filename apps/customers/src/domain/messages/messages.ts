import { MessageState, type Message } from '@rapport/contracts/rapport/content/v1/message';
import { MessagesServiceService } from '@rapport/contracts/rapport/content/v1/messages_service';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';

/** Received e-mails and those to send. Only the service writes them: see `file-message.ts` and `queue-message.ts`. */
export const messages = defineRecord<Message>('rapport/Message', MessagesServiceService, {
  indexVersion: 1,
  imported,
});

export const MessagesController = recordController(messages, MessagesServiceService);

/** Why a record of an imported workspace has its state. */
export const importedReason = 'WORKSPACE_IMPORTED';

/**
 * A message as a new workspace stores it. What waits to be sent is not, since the old workspace may still send it; what a worker of the
 * old one had may have been sent. What was not parsed waits for a user who releases it.
 */
function imported(message: Message): Message {
  const state = importedStates[message.state];
  return state === undefined ? message : { ...message, state, stateReason: importedReason };
}

const importedStates: Partial<Record<MessageState, MessageState>> = {
  [MessageState.QUEUED]: MessageState.CANCELLED,
  [MessageState.CLAIMED]: MessageState.UNKNOWN,
  [MessageState.STORED]: MessageState.QUARANTINED,
};
