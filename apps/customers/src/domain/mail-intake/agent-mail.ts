import { MessageClass, MessageState, type Message } from '@rapport/contracts/rapport/content/v1/message';
import { TicketCategory, type Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import { TicketEntryAuthor, TicketEntryKind } from '@rapport/contracts/rapport/support/v1/ticket_entry';
import type { StatementTransaction } from '@rapport/persistence';
import { ownerIdOf, type Caller } from '@rapport/platform';
import { emailIdentity } from '../../engine/values/domain-spellings.js';
import { addressesOfRequester } from '../ticket-actions/requester.js';
import { addEntry } from '../tickets/ticket-writes.js';
import { contentOfEntry } from './entry-content.js';

/**
 * Files what a user wrote to a ticket from the user's own address. A message that the requester gets as well is a reply, which
 * is not sent again; any other is an internal note. What a program of the user wrote, such as a notice of absence, is no entry.
 */
export async function fileAgentMail(
  transaction: StatementTransaction,
  ticket: Ticket,
  message: Message,
  agent: Caller,
): Promise<Pick<Message, 'state' | 'stateReason'>> {
  if (message.class !== MessageClass.HUMAN)
    return { state: MessageState.FILED, stateReason: MessageClass[message.class] };
  const recipients = [...message.toAddresses, ...message.ccAddresses].map(emailIdentity);
  const requester = await addressesOfRequester(transaction, ticket);
  const isReply = requester.some((address) => recipients.includes(emailIdentity(address)));
  await addEntry(transaction, ticket, {
    kind: isReply ? TicketEntryKind.PUBLIC_REPLY : TicketEntryKind.INTERNAL_NOTE,
    by: TicketEntryAuthor.HUMAN,
    authorId: ownerIdOf(agent.principalId),
    ...contentOfEntry(message),
    ...(isReply && ticket.category === TicketCategory.NEW && { with: { status: 'open' } }),
  });
  return { state: MessageState.THREADED, stateReason: undefined };
}
