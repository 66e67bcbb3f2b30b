import { AutomaticKind, type Message } from '@rapport/contracts/rapport/content/v1/message';
import type { Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import { TicketEntryAuthor } from '@rapport/contracts/rapport/support/v1/ticket_entry';
import type { TicketReply } from '@rapport/contracts/rapport/support/v1/ticket_actions_service';
import type { StatementTransaction } from '@rapport/persistence';
import { invalidField } from '@rapport/platform';
import { within } from '../../engine/values/within.js';
import { queueMessage } from '../messages/queue-message.js';
import { takeReplies } from './automatic-turns.js';
import { addressOfRequester } from './requester.js';

/** What a reply says. */
export interface ReplyContent {
  /** Without it, that of the ticket. */
  subject: string | undefined;
  text: string;
  html: string | undefined;
}

/**
 * Queues the message of a reply to a ticket.
 *
 * @returns undefined for a ticket without a mailbox, unless the reply names recipients
 * @throws AppError FAILED_PRECONDITION AUTOMATIC_REPLY_LIMIT for one more of a program than a recipient gets in a day
 */
export async function sendReply(
  transaction: StatementTransaction,
  ticket: Ticket,
  { subject, text, html }: ReplyContent,
  { to, cc, fileIds, by }: Pick<TicketReply, 'to' | 'cc' | 'fileIds'> & { by: TicketEntryAuthor },
): Promise<Message | undefined> {
  if (ticket.mailboxId === undefined && to.length === 0) {
    if (fileIds.length === 0) return undefined;
    throw invalidField('reply.fileIds', 'NOT_ALLOWED', 'are attached to a message only, and this reply sends none');
  }
  const recipients = to.length > 0 ? to : await requesterOf(transaction, ticket);
  const copies = (cc.length > 0 ? cc : ticket.ccAddresses).filter((address) => !recipients.includes(address));
  const content = {
    ...{ mailboxId: ticket.mailboxId, ticket, to: recipients, cc: copies, text, html, fileIds },
    subject: subject ?? `Re: [#${ticket.number}] ${ticket.subject}`,
    automatic: by === TicketEntryAuthor.MACHINE ? AutomaticKind.REPLIED : undefined,
  };
  const message = await within({ fileIds: 'reply.fileIds' }, () =>
    queueMessage(transaction, content, 'ticket.mailboxId'),
  );
  if (by === TicketEntryAuthor.MACHINE) await takeReplies(transaction, message.mailboxId!, recipients);
  return message;
}

async function requesterOf(transaction: StatementTransaction, ticket: Ticket): Promise<string[]> {
  const address = await addressOfRequester(transaction, ticket);
  if (address !== undefined) return [address];
  throw invalidField('reply.to', 'REQUIRED', 'is required, since the requester has no e-mail address');
}
