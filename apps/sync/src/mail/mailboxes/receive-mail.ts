import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { ReceivedMail, ReceiveMailRequest } from '@rapport/contracts/rapport/mail/v1/mailboxes_service';
import { AppError, currentCaller, invalidField } from '@rapport/platform';
import { largeBytes, maxMailBytes, type StoredMail } from '../intake/stored-mail.js';
import { checkReceives, findMailbox } from './find-mailbox.js';

/** Servers number the mails of their folders from 1 on. */
const unnumbered = { uidValidity: 0, uid: 0 };

/**
 * Handles ReceiveMail. The delivery id is the place of the mail in its mailbox, so that customers stores it once, whatever is
 * repeated or ends in between.
 *
 * @throws AppError ALREADY_EXISTS DELIVERY_ID_REUSED, and those of `checkReceives` and `receiveBytes`
 */
export async function receiveMail(
  em: EntityManager,
  stored: StoredMail,
  requests: AsyncIterable<ReceiveMailRequest>,
): Promise<ReceivedMail> {
  const messages = requests[Symbol.asyncIterator]();
  const first = await messages.next();
  if (first.done === true) throw invalidField('content', 'REQUIRED', 'is required');
  const { id, content, deliveryId, sender, recipients, clientAddress, receiveTime } = first.value;
  if (clientAddress !== undefined && isIP(clientAddress) === 0) {
    throw invalidField('clientAddress', 'BAD_FORMAT', 'must be an IPv4 or IPv6 address');
  }
  checkContentType(content?.contentType ?? '');
  // Before the mail is read, and so that a mailbox of another tenant is not found.
  const { tenantId } = await receivingMailbox(em, id);
  const raw = await receiveBytes(content?.data ?? new Uint8Array(), messages);
  const sha256 = createHash('sha256').update(raw).digest('hex');
  const item = {
    ...{ folder: deliveryId, ...unnumbered, raw, sha256 },
    ...{ internalDate: receiveTime, envelope: { sender, recipients, clientAddress } },
  };
  const place = { tenantId, mailboxId: id, principalId: currentCaller().principalId };
  const message =
    raw.length > largeBytes ? await stored.storeLarge(place, item) : (await stored.store(place, [item]))[0];
  if (!message) throw new Error('Customers has stored no message.');
  const { messageId, created } = message;
  if (message.sha256 !== undefined && message.sha256 !== sha256) {
    const detail = `The delivery ${deliveryId} is the message ${messageId}, which has other bytes.`;
    throw new AppError('ALREADY_EXISTS', 'DELIVERY_ID_REUSED', detail, { metadata: { deliveryId, messageId } });
  }
  return { messageId, created, state: message.state, ticketId: message.ticketId, sha256: message.sha256 };
}

async function receivingMailbox(em: EntityManager, id: string): Promise<{ tenantId: string }> {
  const mailbox = await findMailbox(em, id);
  checkReceives(mailbox);
  return mailbox;
}

/** @throws AppError INVALID_ARGUMENT CONTENT_TYPE_UNSUPPORTED */
function checkContentType(contentType: string): void {
  if (/^\s*message\/rfc822\s*(?:;|$)/i.test(contentType)) return;
  throw new AppError('INVALID_ARGUMENT', 'CONTENT_TYPE_UNSUPPORTED', 'Send the mail as message/rfc822.');
}

/**
 * The bytes of an upload. An empty piece is their end: a stream that ends without one was cancelled.
 *
 * @throws AppError INVALID_ARGUMENT BODY_TOO_LARGE, or REQUIRED for no bytes; CANCELLED
 */
async function receiveBytes(start: Uint8Array, messages: AsyncIterator<ReceiveMailRequest>): Promise<Buffer> {
  const pieces: Uint8Array[] = [start];
  let size = start.length;
  for (;;) {
    const next = await nextMessage(messages);
    const data = next.done === true ? undefined : next.value.content?.data;
    if (data === undefined) throw cancelled();
    if (data.length === 0) break;
    pieces.push(data);
    size += data.length;
    if (size > maxMailBytes) {
      throw new AppError('INVALID_ARGUMENT', 'BODY_TOO_LARGE', `A mail has at most ${maxMailBytes} bytes.`);
    }
  }
  if (size === 0) throw invalidField('content', 'REQUIRED', 'must have the bytes of the mail');
  return Buffer.concat(pieces);
}

async function nextMessage(
  messages: AsyncIterator<ReceiveMailRequest>,
): Promise<IteratorResult<ReceiveMailRequest, unknown>> {
  try {
    return await messages.next();
  } catch (failure) {
    if (!(failure instanceof Error && 'code' in failure && failure.code === 'ERR_STREAM_PREMATURE_CLOSE'))
      throw failure;
    throw cancelled(failure);
  }
}

function cancelled(cause?: unknown): AppError {
  return new AppError('CANCELLED', 'UPLOAD_CANCELLED', 'The upload was cancelled.', { cause });
}
