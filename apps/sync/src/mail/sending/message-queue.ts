import {
  MailOutcome,
  type ClaimedMessage,
  type SettledMessage,
} from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import { AttachmentDisposition, type MessageAttachment } from '@rapport/contracts/rapport/content/v1/message';
import type { MailComposerAttachment } from 'nodemailer/lib/mail-composer';
import { cutText } from '@rapport/platform';
import { composeMail, UnsendableError, type MailContent } from './compose-mail.js';
import type { DkimSigner } from './dkim-signature.js';
import type { Outbox } from './outbox.js';
import type { ClaimOutcome, SendingQueue, SendingTurn, WaitingTenants } from './relay-turns.js';
import { sendBatch, type BatchResult } from './send-batch.js';
import { Settling } from './settling.js';

/** Messages of a claim for each connection: few, since all of them are UNKNOWN when the process dies. */
const claimedEach = 3;

/** A message that is refused for the moment is tried for so long, in milliseconds. RFC 5321 asks for 4 to 5 days. */
const givesUpMs = 4 * 24 * 60 * 60 * 1_000;

/** Maximum size of the attachments of a message, in bytes. Many servers take no larger message than 25 MiB. */
const maxAttachmentBytes = 18 * 1_024 * 1_024;

const maxResponse = 1_000;

/** Reads the bytes of an attachment. */
type ReadAttachment = (fileId: string) => Promise<Buffer>;

/** The messages of people and flows. */
export class MessageQueue implements SendingQueue {
  readonly restMs = 10_000;

  constructor(private readonly outbox: Outbox) {}

  async tenants(afterTenantId: string | undefined): Promise<WaitingTenants> {
    return { tenantIds: await this.outbox.tenants(afterTenantId) };
  }

  async endLeases(tenantId: string): Promise<void> {
    await this.outbox.claim(tenantId, [], 1);
  }

  async sendSome({ relay, pool, signer, stopping }: SendingTurn): Promise<ClaimOutcome> {
    const { tenantId, mailboxIds, maxConnections } = relay;
    const limit = maxConnections * claimedEach;
    const claimed = await this.outbox.claim(tenantId, mailboxIds, limit);
    const settling = new Settling<SettledMessage>((items) => this.outbox.settle(tenantId, items));
    let dueMs: number | undefined;
    const { handedOver, deferred, fault } = await sendBatch(claimed, maxConnections, {
      ...{ pool, stopping },
      compose: (each) => this.#compose(tenantId, each, signer),
      settle: (each, result) => {
        const item = settled(each, result);
        settling.add(item);
        if (item.deferSeconds) dueMs = Math.min(dueMs ?? Infinity, Date.now() + item.deferSeconds * 1_000);
      },
    });
    await settling.end();
    const isRefusing = fault !== undefined || (deferred > 0 && handedOver === 0);
    return { claimed: claimed.length, handedOver, isRefusing, isDone: claimed.length < limit, fault, dueMs };
  }

  async #compose(tenantId: string, claimed: ClaimedMessage, signer: DkimSigner | undefined) {
    const read = (fileId: string) => this.outbox.attachment(tenantId, claimed.message?.id ?? '', fileId);
    const { toUserId, envelopeFrom: from, envelopeTo } = claimed;
    const user = toUserId === undefined ? undefined : await this.outbox.contact(tenantId, toUserId);
    const mail = await contentOf(claimed, read);
    const to = user ? [{ name: user.displayName, address: user.email }] : mail.to;
    const content = await composeMail({ ...mail, to }, signer);
    return { envelope: { from, to: user ? [user.email] : envelopeTo }, content };
  }
}

/** @throws UnsendableError */
async function contentOf({ message, headers, replyTo }: ClaimedMessage, read: ReadAttachment): Promise<MailContent> {
  if (!message?.fromAddress || !message.internetMessageId) throw new UnsendableError('The message has no sender.');
  const { fromName, fromAddress, internetMessageId, inReplyTo, referenceIds, subject = '', text, html } = message;
  return {
    from: { name: fromName ?? '', address: fromAddress },
    ...{ to: people(message.toAddresses), cc: people(message.ccAddresses) },
    replyTo: replyTo === undefined ? undefined : { name: '', address: replyTo },
    ...{ subject, internetMessageId, inReplyTo, referenceIds, headers, text, html },
    attachments: await readAll(message.attachments, read),
  };
}

function people(list: readonly string[]) {
  return list.map((address) => ({ name: '', address }));
}

async function readAll(attachments: readonly MessageAttachment[], read: ReadAttachment) {
  const bytes = attachments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (bytes > maxAttachmentBytes) throw new UnsendableError('The attachments are too large.');
  const found: MailComposerAttachment[] = [];
  for (const { fileId, name, contentId, contentType, disposition } of attachments) {
    if (fileId === undefined) throw new UnsendableError('An attachment does not exist any more.');
    found.push({
      ...{ content: await read(fileId), contentType, filename: name ?? false },
      contentDisposition: disposition === AttachmentDisposition.INLINE ? ('inline' as const) : ('attachment' as const),
      ...(contentId !== undefined && { cid: contentId }),
    });
  }
  return found;
}

function settled({ message, attempt }: ClaimedMessage, { outcome, response, deferSeconds }: BatchResult) {
  const isOld = Date.parse(message?.createTime ?? '') < Date.now() - givesUpMs;
  const item: SettledMessage = {
    messageId: message?.id ?? '',
    attempt,
    outcome: MailOutcome[outcome === 'DEFERRED' && isOld ? 'FAILED' : outcome],
    response: cutText(response, maxResponse),
    time: new Date().toISOString(),
    deferSeconds: outcome === 'DEFERRED' ? deferSeconds : undefined,
  };
  return item;
}
