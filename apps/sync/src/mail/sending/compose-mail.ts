import { buffer } from 'node:stream/consumers';
import type { ClaimedMessage } from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import { AttachmentDisposition, type MessageAttachment } from '@rapport/contracts/rapport/content/v1/message';
import DKIM from 'nodemailer/lib/dkim';
import MailComposer, { type MailComposerAttachment } from 'nodemailer/lib/mail-composer';

/** Maximum size of the attachments of a message, in bytes. Many servers take no larger message than 25 MiB. */
const maxAttachmentBytes = 18 * 1_024 * 1_024;

/** A DKIM key that signs, in PEM. */
export interface DkimSigner {
  domainName: string;
  keySelector: string;
  privateKey: string;
}

/** Reads the bytes of an attachment. */
export type ReadAttachment = (fileId: string) => Promise<Buffer>;

/** The error of a message that no relay would get: it is FAILED without an attempt. */
export class UnsendableError extends Error {}

/**
 * The bytes of a message (RFC 5322), signed.
 *
 * @throws UnsendableError
 */
export async function composeMail(
  { message, headers, replyTo }: ClaimedMessage,
  read: ReadAttachment,
  signer: DkimSigner | undefined,
): Promise<Buffer> {
  if (!message?.fromAddress || !message.internetMessageId) throw new UnsendableError('The message has no sender.');
  const { fromName, fromAddress, internetMessageId, inReplyTo, text, html } = message;
  const composer = new MailComposer({
    from: { name: fromName ?? '', address: fromAddress },
    ...{ to: addresses(message.toAddresses), cc: addresses(message.ccAddresses) },
    ...(replyTo !== undefined && { replyTo: { name: '', address: replyTo } }),
    subject: message.subject,
    // It is stored before the message is sent: a relay can drop a twin, and answers name it.
    messageId: internetMessageId,
    ...(inReplyTo !== undefined && { inReplyTo }),
    ...(message.referenceIds.length > 0 && { references: message.referenceIds }),
    date: new Date(),
    headers: headers.map(({ name, value }) => ({ key: name, value })),
    ...(text !== undefined && { text }),
    ...(html !== undefined && { html }),
    attachments: await readAll(message.attachments, read),
    // Content comes from the message alone, whatever its texts look like.
    ...{ disableFileAccess: true, disableUrlAccess: true },
  });
  const content = await composer.compile().build();
  return signer ? buffer(new DKIM({ keys: [signer] }).sign(content)) : content;
}

function addresses(list: readonly string[]): { name: string; address: string }[] {
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
