import MailComposer, { type MailComposerAttachment } from 'nodemailer/lib/mail-composer';
import { dkimSignature, type DkimSigner } from './dkim-signature.js';

/** An address and its name, which may be empty. */
export interface MailPerson {
  name: string;
  address: string;
}

/** What a mail is made of. */
export interface MailContent {
  from: MailPerson;
  to: readonly MailPerson[];
  cc?: readonly MailPerson[];
  replyTo?: MailPerson | undefined;
  subject: string;
  internetMessageId: string;
  inReplyTo?: string | undefined;
  referenceIds?: readonly string[];
  headers: readonly { name: string; value: string }[];
  text?: string | undefined;
  html?: string | undefined;
  attachments?: MailComposerAttachment[];
}

/** The error of a message that no relay would get: it is FAILED without an attempt. */
export class UnsendableError extends Error {}

/** The bytes of a mail (RFC 5322), signed. */
export async function composeMail(content: MailContent, signer: DkimSigner | undefined): Promise<Buffer> {
  const { from, to, cc = [], replyTo, inReplyTo, referenceIds = [], text, html } = content;
  const composer = new MailComposer({
    ...{ from, to: [...to], cc: [...cc], subject: content.subject },
    ...(replyTo && { replyTo }),
    // It is stored before the message is sent: a relay can drop a twin, and answers name it.
    messageId: content.internetMessageId,
    ...(inReplyTo !== undefined && { inReplyTo }),
    ...(referenceIds.length > 0 && { references: [...referenceIds] }),
    date: new Date(),
    headers: content.headers.map(({ name, value }) => ({ key: name, value })),
    ...(text !== undefined && { text }),
    ...(html !== undefined && { html }),
    attachments: content.attachments ?? [],
    // Content comes from the message alone, whatever its texts look like.
    ...{ disableFileAccess: true, disableUrlAccess: true },
  });
  const bytes = await composer.compile().build();
  return signer ? Buffer.concat([dkimSignature(bytes, signer), bytes]) : bytes;
}
