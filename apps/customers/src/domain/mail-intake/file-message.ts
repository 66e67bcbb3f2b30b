import {
  AttachmentScan,
  MessageClass,
  MessageState,
  type Message,
} from '@rapport/contracts/rapport/content/v1/message';
import type {
  FileMessageRequest,
  FileMessageResponse,
  ParsedMessage,
} from '@rapport/contracts/rapport/content/v1/mail_intake_service';
import type { StatementTransaction } from '@rapport/persistence';
import type { Caller } from '@rapport/platform';
import { storable } from '../../engine/values/storable-text.js';
import { readMailAddresses } from '../messages/mail-addresses.js';
import { isAddressOf } from '../messages/mail-tokens.js';
import type { SuppressionKey } from '../suppressions/suppression-key.js';
import { endJobs, lockJobs } from '../messages/mail-jobs.js';
import { changeMessages, lockMessage } from '../messages/stored-messages.js';
import { answerAutomatically } from './auto-reply.js';
import { noteReplies } from './campaign-reply.js';
import { customerOf, isEmail } from './sender.js';
import { noteWritersOf } from './note-writers.js';
import type { Incoming } from './sender-part.js';
import { addToThread } from './thread-message.js';

/**
 * Handles FileMessage in one transaction: of two calls for a message, the second finds it filed.
 *
 * @param parts the key of suppressed addresses, and the user with the address of the sender
 * @throws AppError ALREADY_EXISTS when another call has created the customer of the sender meanwhile: try again
 */
export async function fileMessage(
  transaction: StatementTransaction,
  { messageId, parsed }: FileMessageRequest,
  { key, agent }: { key: SuppressionKey; agent: Caller | undefined },
): Promise<FileMessageResponse> {
  transaction.later(lockJobs([messageId]));
  const message = await lockMessage(transaction, messageId);
  const known = { state: message.state, ticketId: message.ticketId, autoReplyId: undefined };
  if (message.state !== MessageState.STORED || !parsed) return { ...known, noAutoReplyReason: 'NOT_THREADED' };
  transaction.later(endJobs([message]));
  const content = contentOf(parsed);
  const mailboxes = await readMailAddresses(transaction);
  const from = content.fromAddress?.toLowerCase() ?? '';
  await noteWritersOf(transaction, mailboxes, { from, parsed });
  const held = heldBack(parsed, isAddressOf(from, mailboxes));
  if (held) {
    await changeMessages(transaction, [messageId], () => ({ ...content, ...held }));
    const noAutoReplyReason = held.stateReason === 'OWN_ADDRESS' ? 'OWN_ADDRESS' : 'NOT_THREADED';
    return { ...known, state: held.state, noAutoReplyReason };
  }
  const customerId = await customerOf(transaction, from);
  const isProven = parsed.authentication?.dmarc === 'pass';
  const incoming: Incoming = { parsed, from, customerId, mailboxes, agent, isProven };
  const thread = await addToThread(transaction, { ...message, ...content }, incoming);
  await changeMessages(transaction, [messageId], () => ({ ...content, ...thread.changes }));
  const { state, ticketId } = thread.changes;
  if (!thread.ticket) return { ...known, state, ticketId, noAutoReplyReason: 'NOT_THREADED' };
  await noteReplies(transaction, { ...message, ...content });
  const answer = await answerAutomatically(transaction, { ...message, ...content, ...thread.changes }, thread, key);
  return { state, ticketId, ...answer };
}

/** Handles RejectMessage: what cannot be parsed waits for a person. */
export async function rejectMessage(
  transaction: StatementTransaction,
  { messageId, reason }: { messageId: string; reason: string },
): Promise<void> {
  transaction.later(lockJobs([messageId]));
  const rejected = await changeMessages(transaction, [messageId], ({ state }) =>
    state === MessageState.STORED ? { state: MessageState.QUARANTINED, stateReason: reason } : undefined,
  );
  transaction.later(endJobs(rejected));
}

/** Why a message is not threaded: its state and the reason. Undefined for one that is. */
function heldBack(parsed: ParsedMessage, isOwn: boolean): Pick<Message, 'state' | 'stateReason'> | undefined {
  if (isOwn) return { state: MessageState.FILED, stateReason: 'OWN_ADDRESS' };
  switch (parsed.class) {
    case MessageClass.BOUNCE:
    case MessageClass.COMPLAINT:
    case MessageClass.OWN:
      return { state: MessageState.FILED, stateReason: MessageClass[parsed.class] };
    default:
      return quarantine(parsed);
  }
}

/** Messages with a virus, and those whose sender is not the one that they name. A person can release them. */
function quarantine({
  attachments,
  authentication,
  fromAddress,
}: ParsedMessage): Pick<Message, 'state' | 'stateReason'> | undefined {
  if (attachments.some(({ scan }) => scan === AttachmentScan.INFECTED)) {
    return { state: MessageState.QUARANTINED, stateReason: 'INFECTED' };
  }
  if (fromAddress === undefined || fromAddress === '')
    return { state: MessageState.QUARANTINED, stateReason: 'NO_SENDER' };
  if (authentication?.dmarc === 'fail') return { state: MessageState.QUARANTINED, stateReason: 'DMARC_FAILED' };
  if (!isEmail(fromAddress)) return { state: MessageState.QUARANTINED, stateReason: 'BAD_SENDER' };
  return undefined;
}

/** The fields of a message that its text gives. */
function contentOf(parsed: ParsedMessage): Partial<Message> {
  const { subject, fromAddress, fromName, replyTo, text, html, visibleText, inReplyTo, internetMessageId } = parsed;
  const { trimmed, attachments, authentication, sendTime } = parsed;
  return {
    ...{ subject: storable(subject), fromAddress: cleaned(fromAddress), fromName: cleaned(fromName) },
    ...{ replyTo: cleaned(replyTo), text: cleaned(text), html: cleaned(html), visibleText: cleaned(visibleText) },
    ...{ inReplyTo: cleaned(inReplyTo), internetMessageId: cleaned(internetMessageId) },
    referenceIds: parsed.referenceIds.map(storable),
    toAddresses: parsed.toAddresses.map(storable),
    ccAddresses: parsed.ccAddresses.map(storable),
    attachments: attachments.map((each) => ({ ...each, name: cleaned(each.name), contentId: cleaned(each.contentId) })),
    ...{ trimmed, authentication, sendTime, class: parsed.class },
  };
}

function cleaned(text: string | undefined): string | undefined {
  return text === undefined ? undefined : storable(text);
}
