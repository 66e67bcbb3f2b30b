import { MessageClass, MessageState, ThreadingRule, type Message } from '@rapport/contracts/rapport/content/v1/message';
import { TicketCategory, TicketChannel, type Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import { TicketEntryAuthor, TicketEntryKind } from '@rapport/contracts/rapport/support/v1/ticket_entry';
import type { StatementTransaction } from '@rapport/persistence';
import type { Caller } from '@rapport/platform';
import { isAddressOf } from '../messages/mail-tokens.js';
import { addEntry, openTicket } from '../tickets/ticket-writes.js';
import { fileAgentMail } from './agent-mail.js';
import { contentOfEntry } from './entry-content.js';
import { findThread, type Thread } from './find-thread.js';
import { createSender, isEmail } from './sender.js';
import type { Incoming } from './sender-part.js';

/** Most addresses that get copies of a ticket. */
const maxCopies = 50;

/** What a message has become. */
export interface Threaded {
  changes: Pick<Message, 'state' | 'stateReason' | 'ticketId' | 'refusedTicketId' | 'customerId' | 'threadingRule'>;
  ticket: Ticket;
  isNew: boolean;
}

/** A message that is on no ticket, or that a user wrote: nothing answers it. */
type Unanswered = Pick<Threaded, 'changes'> & { ticket: undefined };

/** Adds a message to the ticket that it belongs to, or opens one. One that names a ticket without proof goes into quarantine. */
export async function addToThread(
  transaction: StatementTransaction,
  message: Message,
  incoming: Incoming,
): Promise<Threaded | Unanswered> {
  const { from, parsed, agent } = incoming;
  const thread = await findThread(transaction, incoming);
  if (thread.isUnproven) return quarantined(thread);
  if (agent && thread.isOfAgent) return ofAgent(transaction, message, agent, thread);
  const customerId = incoming.customerId ?? (await createSender(transaction, from, parsed.fromName));
  const isOpen = thread.ticket !== undefined && thread.ticket.category !== TicketCategory.CLOSED;
  const ticket = isOpen ? thread.ticket! : await openFor(transaction, { message, incoming, customerId, thread });
  await addMessageEntry(transaction, ticket, { ...message, customerId });
  if (thread.refused) await noteRefusal(transaction, ticket, thread.refused);
  return {
    changes: {
      ...{ state: MessageState.THREADED, stateReason: undefined, ticketId: ticket.id, customerId },
      ...{ refusedTicketId: thread.refused?.id, threadingRule: thread.rule },
    },
    ...{ ticket, isNew: !isOpen },
  };
}

/** Adds the entry of a received message. What a program wrote neither reopens a ticket nor asks for an answer. */
export async function addMessageEntry(
  transaction: StatementTransaction,
  ticket: Pick<Ticket, 'id'>,
  message: Message,
): Promise<void> {
  const isAutomatic = message.class === MessageClass.AUTO_REPLY;
  await addEntry(transaction, ticket, {
    kind: isAutomatic ? TicketEntryKind.AUTO_REPLY : TicketEntryKind.CUSTOMER_MESSAGE,
    by: isAutomatic ? TicketEntryAuthor.MACHINE : TicketEntryAuthor.HUMAN,
    customerId: message.customerId,
    ...contentOfEntry(message),
  });
}

function quarantined({ refused, rule }: Thread): Unanswered {
  const refusal = { ticketId: undefined, refusedTicketId: refused?.id, threadingRule: rule };
  const held = { state: MessageState.QUARANTINED, stateReason: 'SENDER_UNPROVEN', customerId: undefined };
  return { changes: { ...held, ...refusal }, ticket: undefined };
}

/** The message has the requester as its customer, so that an erasure reaches it. */
async function ofAgent(
  transaction: StatementTransaction,
  message: Message,
  agent: Caller,
  { ticket, rule }: Thread,
): Promise<Unanswered> {
  const filed = await fileAgentMail(transaction, ticket!, message, agent);
  const ticketId = filed.state === MessageState.THREADED ? ticket!.id : undefined;
  const place = { ticketId, refusedTicketId: undefined, threadingRule: rule, customerId: ticket!.customerId };
  return { changes: { ...filed, ...place }, ticket: undefined };
}

interface Opening {
  message: Message;
  incoming: Incoming;
  customerId: string;
  thread: Thread;
}

function openFor(
  transaction: StatementTransaction,
  { message, incoming: { parsed, from, mailboxes }, customerId, thread }: Opening,
): Promise<Ticket> {
  const others = [...parsed.toAddresses, ...parsed.ccAddresses].map((address) => address.toLowerCase());
  const ccAddresses = [...new Set(others)].filter(
    (address) => address !== from && isEmail(address) && !isAddressOf(address, mailboxes),
  );
  return openTicket(transaction, {
    ...{ customerId, channel: TicketChannel.EMAIL, mailboxId: message.mailboxId },
    subject: message.subject.trim() === '' ? '(no subject)' : message.subject,
    language: languageOf(parsed.language),
    ccAddresses: ccAddresses.slice(0, maxCopies),
    followUpOfId: thread.rule === ThreadingRule.NEW ? undefined : thread.ticket?.id,
  });
}

/** Notes for agents that the message named another ticket, which its sender has no part in. */
async function noteRefusal(transaction: StatementTransaction, ticket: Ticket, { number }: Ticket): Promise<void> {
  await addEntry(transaction, ticket, {
    ...{ kind: TicketEntryKind.SYSTEM, by: TicketEntryAuthor.MACHINE },
    text: `The message refers to ticket #${number ?? ''}, in which its sender has no part. Check the sender before you merge.`,
  });
}

function languageOf(language: string | undefined): string | undefined {
  return language !== undefined && /^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$/.test(language) ? language : undefined;
}
