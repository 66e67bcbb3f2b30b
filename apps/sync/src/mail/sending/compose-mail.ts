import MailComposer, { type MailComposerAttachment } from 'nodemailer/lib/mail-composer';

/** A DKIM key that signs, in PEM: RSA, or Ed25519 (RFC 8463). */
export interface DkimSigner {
  domainName: string;
  keySelector: string;
  privateKey: string;
}

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

/** Headers that a signature covers (RFC 6376, section 5.4.1), and those of one-click unsubscription (RFC 8058, section 4). */
const signedHeaders = [
  ...['From', 'Reply-To', 'Subject', 'Date', 'Message-ID', 'To', 'Cc', 'MIME-Version', 'Content-Type'],
  ...['Content-Transfer-Encoding', 'In-Reply-To', 'References', 'Auto-Submitted', 'Precedence'],
  ...['List-Id', 'List-Unsubscribe', 'List-Unsubscribe-Post', 'Feedback-ID'],
];

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
  return signer ? Buffer.concat([await signatureOf(bytes, signer), bytes]) : bytes;
}

async function signatureOf(bytes: Buffer, { domainName, keySelector, privateKey }: DkimSigner): Promise<Buffer> {
  // Loaded for the first signature: with its packages it took a thirtieth of a start.
  const { dkimSign } = await import('mailauth/lib/dkim/sign.js');
  const key = { signingDomain: domainName, selector: keySelector, privateKey };
  // The types ask for the key twice; the list is what is read.
  const options = { ...key, canonicalization: 'relaxed/relaxed', headerList: signedHeaders, signatureData: [key] };
  const { signatures, errors } = await dkimSign(bytes, options);
  const [error] = errors;
  if (error) throw error.err;
  return Buffer.from(signatures);
}
