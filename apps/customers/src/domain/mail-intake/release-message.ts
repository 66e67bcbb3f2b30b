import { MessageState, ThreadingRule, type Message } from '@rapport/contracts/rapport/content/v1/message';
import type {
  ReleaseMessageRequest,
  RerouteMessageRequest,
} from '@rapport/contracts/rapport/content/v1/message_actions_service';
import { ParsedMessage } from '@rapport/contracts/rapport/content/v1/mail_intake_service';
import type { Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import { beyondScope, checkEtag, etagVersion, type StatementTransaction } from '@rapport/persistence';
import { currentCaller, invalidField } from '@rapport/platform';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { readMailAddresses } from '../messages/mail-addresses.js';
import { changeMessages, checkState, lockMessage } from '../messages/stored-messages.js';
import { tickets } from '../tickets/tickets.js';
import { customerOf } from './sender.js';
import { addMessageEntry, addToThread } from './thread-message.js';

/**
 * Handles ReleaseMessage: a person vouches for the sender. A message that was not parsed is parsed again, and one without a
 * sender can only be rerouted.
 *
 * @throws AppError FAILED_PRECONDITION MESSAGE_STATE
 */
export async function releaseMessage(
  transaction: StatementTransaction,
  { id, etag }: ReleaseMessageRequest,
): Promise<Message> {
  const message = await lockMessage(transaction, id);
  checkEtag(etag, etagVersion(message.etag));
  checkState(message, [MessageState.QUARANTINED]);
  const { fromAddress } = message;
  // The sender may be the customer of another owner, and the message belongs where it belongs.
  transaction.later(beyondScope);
  if (fromAddress === undefined) return parseAgain(transaction, message);
  const from = fromAddress.toLowerCase();
  const mailboxes = await readMailAddresses(transaction);
  const customerId = await customerOf(transaction, from);
  const sender = { from, customerId, mailboxes, agent: undefined, isProven: true };
  const thread = await addToThread(transaction, message, { parsed: parsedOf(message), ...sender });
  return changeOne(transaction, id, thread.changes);
}

/** Handles RerouteMessage. @throws AppError INVALID_ARGUMENT TICKET_NOT_FOUND */
export async function rerouteMessage(
  transaction: StatementTransaction,
  { id, etag, route }: RerouteMessageRequest,
): Promise<Message> {
  const message = await lockMessage(transaction, id);
  checkEtag(etag, etagVersion(message.etag));
  checkState(message, [MessageState.THREADED, MessageState.FILED, MessageState.QUARANTINED]);
  const rows = await transaction.rows<StoredRecord<Ticket>>(liveRecords(tickets, [route?.ticketId ?? '']));
  const [ticket] = await openStored(tickets, rows);
  if (!ticket) throw invalidField('route.ticketId', 'TICKET_NOT_FOUND', 'must be the id of a live ticket');
  const customerId = message.customerId ?? ticket.customerId;
  await addMessageEntry(transaction, ticket, { ...message, customerId });
  return changeOne(transaction, id, {
    ...{ state: MessageState.THREADED, stateReason: undefined, threadingRule: ThreadingRule.MANUAL },
    ...{ ticketId: ticket.id, customerId },
  });
}

async function parseAgain(transaction: StatementTransaction, { id, mailboxId }: Message): Promise<Message> {
  transaction.later({
    name: 'parse_again',
    sql: `insert into mail_job (tenant_id, message_id, kind, mailbox_id) values ($1, $2, 'PARSE', $3)
      on conflict (tenant_id, message_id) do nothing`,
    values: [currentCaller().tenantId, id, mailboxId],
  });
  return changeOne(transaction, id, { state: MessageState.STORED, stateReason: undefined });
}

async function changeOne(transaction: StatementTransaction, id: string, changes: Partial<Message>): Promise<Message> {
  const [changed] = await changeMessages(transaction, [id], () => changes);
  return changed!;
}

function parsedOf(message: Message): ParsedMessage {
  const { inReplyTo, referenceIds, fromName, toAddresses, ccAddresses, subject, authentication } = message;
  const deliveredTo = message.envelope?.recipients ?? [];
  return {
    ...ParsedMessage.decode(new Uint8Array()),
    deliveredTo,
    ...{ inReplyTo, referenceIds, fromName, toAddresses, ccAddresses, subject, authentication },
  };
}
