import { TicketCategory, type Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import { TicketEntryKind } from '@rapport/contracts/rapport/support/v1/ticket_entry';
import type {
  ReplyToTicketRequest,
  TicketEntryResult,
  TicketReply,
} from '@rapport/contracts/rapport/support/v1/ticket_actions_service';
import type { StatementTransaction } from '@rapport/persistence';
import { AppError, currentCaller, invalidField } from '@rapport/platform';
import { isHiding } from '../../engine/fields/hidden-data.js';
import { recordValue } from '../../engine/query/record-json.js';
import { customerType } from '../../engine/records/customers/customer-type.js';
import { within } from '../../engine/values/within.js';
import { renderTemplate } from '../templates/render-template.js';
import { addEntry } from '../tickets/ticket-writes.js';
import { tickets } from '../tickets/tickets.js';
import { authorOfCall, requiredText } from './add-entries.js';
import { lockUnmerged } from './locked-ticket.js';
import { readRequester } from './requester.js';
import { replyHtml } from './reply-html.js';
import { sendReply, type ReplyContent } from './send-reply.js';

/** Handles ReplyToTicket. */
export async function replyToTicket(
  transaction: StatementTransaction,
  { id, etag, reply }: ReplyToTicketRequest,
): Promise<TicketEntryResult> {
  if (!reply) throw invalidField('reply', 'REQUIRED', 'is required');
  const { before } = await lockUnmerged(transaction, id);
  const content = await contentOf(transaction, before, reply);
  const { cc, thenStatus } = reply;
  const by = authorOfCall(reply.automatic);
  const status = thenStatus ?? (before.category === TicketCategory.NEW ? 'open' : before.status);
  const message = await sendReply(transaction, before, content, { ...reply, by });
  const added = {
    ...{ kind: TicketEntryKind.PUBLIC_REPLY, by, messageId: message?.id },
    ...{ subject: content.subject ?? before.subject, text: content.text, html: content.html },
    with: { status, ...(cc.length > 0 && { ccAddresses: cc }) },
  };
  return within({ 'ticket.status': 'reply.thenStatus' }, () => addEntry(transaction, before, added, etag));
}

async function contentOf(
  transaction: StatementTransaction,
  ticket: Ticket,
  { text, html, templateId }: TicketReply,
): Promise<ReplyContent> {
  if (templateId === undefined) {
    const plain = requiredText(text, 'reply.text');
    return { subject: undefined, text: plain, html: html && (await replyHtml(currentCaller().tenantId, html)) };
  }
  if (text !== undefined || html !== undefined)
    throw invalidField('reply.templateId', 'CONFLICTING_FIELDS', 'can not be set together with text or html');
  const values = await valuesOfTicket(transaction, ticket);
  const { subject, ...rendered } = await renderTemplate(transaction, templateId, values);
  return { subject, text: requiredText(rendered.text, 'reply.templateId'), html: rendered.html };
}

/** What templates of a reply show. @throws AppError PERMISSION_DENIED PERSONAL_DATA_HIDDEN */
export async function valuesOfTicket(transaction: StatementTransaction, ticket: Ticket): Promise<object> {
  if (isHiding())
    throw new AppError('PERMISSION_DENIED', 'PERSONAL_DATA_HIDDEN', 'Personal data is hidden from this caller.');
  const customer = await readRequester(transaction, ticket);
  return {
    ticket: recordValue(tickets, ticket),
    ...(customer && { customer: recordValue(customerType(), customer) }),
  };
}
