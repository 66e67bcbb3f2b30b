import { AutomaticKind, MessageClass, type Message } from '@rapport/contracts/rapport/content/v1/message';
import { TicketEntryAuthor, TicketEntryKind } from '@rapport/contracts/rapport/support/v1/ticket_entry';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type { Queue } from '@rapport/contracts/rapport/support/v1/queue';
import type { Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import type { StatementTransaction } from '@rapport/persistence';
import { AppError } from '@rapport/platform';
import { recordValue } from '../../engine/query/record-json.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { customers } from '../customers/customers.js';
import { queueMessage } from '../messages/queue-message.js';
import { suppressedAmong } from '../messages/send-message.js';
import { queues } from '../queues/queues.js';
import type { SuppressionKey } from '../suppressions/suppression-key.js';
import { takeAnswer } from '../ticket-actions/automatic-turns.js';
import type { RenderedTemplate } from '../templates/render-liquid.js';
import { renderTemplate } from '../templates/render-template.js';
import { tickets } from '../tickets/tickets.js';
import { addEntry } from '../tickets/ticket-writes.js';
import type { Threaded } from './thread-message.js';

/** The queued answer, or why there is none. */
export interface AutomaticAnswer {
  autoReplyId: string | undefined;
  noAutoReplyReason: string | undefined;
}

/**
 * Queues the automatic answer to a message that opened a ticket: at most one a day for each sender and mailbox (RFC 3834,
 * RFC 5230), so that two programs that answer each other end.
 */
export async function answerAutomatically(
  transaction: StatementTransaction,
  message: Message,
  { ticket, isNew }: Threaded,
  key: SuppressionKey,
): Promise<AutomaticAnswer> {
  const { mailboxId, fromAddress } = message;
  if (message.class !== MessageClass.HUMAN) return none('NOT_HUMAN');
  if (!isNew) return none('OLD_TICKET');
  if (mailboxId === undefined || fromAddress === undefined) return none('NO_ADDRESS');
  const templateId = await templateOf(transaction, ticket);
  if (templateId === undefined) return none('NO_TEMPLATE');
  if ((await suppressedAmong(transaction, key, [fromAddress])).size > 0) return none('SUPPRESSED');
  const answer = await rendered(transaction, templateId, ticket);
  if (!answer) return none('TEMPLATE_INVALID');
  if (!(await takeAnswer(transaction, mailboxId, fromAddress))) return none('ANSWERED_TODAY');
  const sent = await queueMessage(transaction, {
    ...{
      subject: answer.subject ?? `[#${ticket.number ?? ''}] ${ticket.subject}`,
      text: answer.text,
      html: answer.html,
    },
    ...{ mailboxId, ticket, to: [fromAddress], automatic: AutomaticKind.REPLIED },
    ...{ inReplyTo: message.internetMessageId, referenceIds: message.referenceIds },
  });
  await addEntry(transaction, ticket, {
    ...{ kind: TicketEntryKind.AUTO_REPLY, by: TicketEntryAuthor.MACHINE, messageId: sent.id },
    ...{ subject: sent.subject, text: answer.text, html: answer.html },
  });
  return { autoReplyId: sent.id, noAutoReplyReason: undefined };
}

/** The template of the queue's automatic answer. */
async function templateOf(transaction: StatementTransaction, { queueId }: Ticket): Promise<string | undefined> {
  if (queueId === undefined) return undefined;
  const rows = await transaction.rows<StoredRecord<Queue>>(liveRecords(queues, [queueId]));
  const [queue] = await openStored(queues, rows);
  return queue?.autoReplyTemplateId;
}

/** Undefined for a template that cannot be rendered: the message is filed all the same. */
async function rendered(
  transaction: StatementTransaction,
  templateId: string,
  ticket: Ticket,
): Promise<RenderedTemplate | undefined> {
  const rows = await transaction.rows<StoredRecord<Customer>>(liveRecords(customers, [ticket.customerId]));
  const [customer] = await openStored(customers, rows);
  const values = {
    ticket: recordValue(tickets, ticket),
    ...(customer && { customer: recordValue(customers, customer) }),
  };
  try {
    return await renderTemplate(transaction, templateId, values);
  } catch (error) {
    if (error instanceof AppError && error.code !== 'UNAVAILABLE') return undefined;
    throw error;
  }
}

function none(noAutoReplyReason: string): AutomaticAnswer {
  return { autoReplyId: undefined, noAutoReplyReason };
}
