import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { StoredMessage } from '@rapport/contracts/rapport/content/v1/mail_intake_service';
import type { ReceivedMail, ReceiveMailRequest } from '@rapport/contracts/rapport/mail/v1/mailboxes_service';
import { AppError, callContext, currentCaller, FairSlots, invalidField } from '@rapport/platform';
import { checkReceives, findMailbox } from '../mailboxes/find-mailbox.js';
import { largeBytes, maxMailBytes, type StoredMail } from './stored-mail.js';

/** Mails of more than 1 MiB that a process has in memory at once. */
const largeAtOnce = 4;

/** Servers number the mails of their folders from 1 on. */
const unnumbered = { uidValidity: 0, uid: 0 };

/** Stores the mails that clients hand over. */
export class MailReceiver {
  /** A tenant hands over one large mail at a time. */
  readonly #large = new FairSlots(largeAtOnce, () => 1);

  /** @param onStored called after a mail was stored */
  constructor(
    private readonly stored: StoredMail,
    private readonly onStored: () => void,
  ) {}

  /**
   * Handles ReceiveMail. The delivery id is the place of the mail in its mailbox, so that customers stores it once, whatever
   * is repeated or ends in between.
   *
   * @throws AppError ALREADY_EXISTS DELIVERY_ID_REUSED; INVALID_ARGUMENT CONTENT_TYPE_UNSUPPORTED, BODY_TOO_LARGE or
   *   VALIDATION_FAILED; CANCELLED; those of `findMailbox` and `checkReceives`
   */
  async receive(em: EntityManager, requests: AsyncIterable<ReceiveMailRequest>): Promise<ReceivedMail> {
    const messages = requests[Symbol.asyncIterator]();
    const first = await nextMessage(messages);
    if (first.done === true) throw cancelled();
    // Before the mail is read.
    checkReceives(await findMailbox(em, first.value.id));
    checkContent(first.value);
    const { tenantId } = currentCaller();
    const bytes = new MailBytes(this.#large, tenantId);
    try {
      const raw = await bytes.read(first.value.content?.data ?? new Uint8Array(), messages);
      const message = await this.#store(first.value, raw);
      this.onStored();
      return message;
    } finally {
      bytes.release();
    }
  }

  async #store({ id, deliveryId, receiveTime, ...request }: ReceiveMailRequest, raw: Buffer): Promise<ReceivedMail> {
    const { tenantId, principalId } = currentCaller();
    const { sender, recipients, clientAddress } = request;
    const sha256 = createHash('sha256').update(raw).digest('hex');
    const item = {
      ...{ folder: deliveryId, ...unnumbered, raw, sha256 },
      ...{ internalDate: receiveTime, envelope: { sender, recipients, clientAddress } },
    };
    const place = { tenantId, mailboxId: id, principalId };
    const isLarge = raw.length > largeBytes;
    const stored = isLarge ? await this.stored.storeLarge(place, item) : (await this.stored.store(place, [item]))[0];
    if (!stored) throw new Error('Customers has stored no message.');
    checkSame(deliveryId, stored, sha256);
    const { messageId, created, state, ticketId } = stored;
    return { messageId, created, state, ticketId, sha256: stored.sha256 };
  }
}

/** The bytes of an upload. An empty piece behind the first is their end: a stream that ends without one was cancelled. */
class MailBytes {
  readonly #pieces: Uint8Array[] = [];
  #size = 0;
  #isLarge = false;

  constructor(
    private readonly large: FairSlots,
    private readonly tenantId: string,
  ) {}

  /** @throws AppError INVALID_ARGUMENT BODY_TOO_LARGE, or REQUIRED for no bytes; CANCELLED */
  async read(start: Uint8Array, messages: AsyncIterator<ReceiveMailRequest>): Promise<Buffer> {
    await this.#add(start);
    for (;;) {
      const next = await nextMessage(messages);
      if (next.done === true) throw cancelled();
      const data = next.value.content?.data ?? new Uint8Array();
      if (data.length === 0) break;
      await this.#add(data);
    }
    if (this.#size === 0) throw invalidField('content', 'REQUIRED', 'must have the bytes of the mail');
    return Buffer.concat(this.#pieces);
  }

  release(): void {
    if (this.#isLarge) this.large.leave(this.tenantId);
  }

  /** Waits at 1 MiB until there is memory for a large mail. The client is read no further meanwhile. */
  async #add(data: Uint8Array): Promise<void> {
    this.#size += data.length;
    if (this.#size > maxMailBytes) {
      throw new AppError('INVALID_ARGUMENT', 'BODY_TOO_LARGE', `A mail has at most ${maxMailBytes} bytes.`);
    }
    if (this.#size > largeBytes && !this.#isLarge) {
      await this.large.enter(this.tenantId, callContext.getStore()?.gone);
      this.#isLarge = true;
    }
    this.#pieces.push(data);
  }
}

function checkContent({ clientAddress, content }: ReceiveMailRequest): void {
  if (clientAddress !== undefined && isIP(clientAddress) === 0) {
    throw invalidField('clientAddress', 'BAD_FORMAT', 'must be an IPv4 or IPv6 address');
  }
  if (/^\s*message\/rfc822\s*(?:;|$)/i.test(content?.contentType ?? '')) return;
  throw new AppError('INVALID_ARGUMENT', 'CONTENT_TYPE_UNSUPPORTED', 'Send the mail as message/rfc822.');
}

/** An erased message has no hash. */
function checkSame(deliveryId: string, { messageId, sha256: stored }: StoredMessage, sha256: string): void {
  if (stored === undefined || stored === sha256) return;
  const detail = `The delivery ${deliveryId} is the message ${messageId}, which has other bytes.`;
  throw new AppError('ALREADY_EXISTS', 'DELIVERY_ID_REUSED', detail, { metadata: { deliveryId, messageId } });
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
