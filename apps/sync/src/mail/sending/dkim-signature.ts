import { createHash, createPrivateKey, sign, type KeyObject } from 'node:crypto';
import { domainToASCII } from 'node:url';

/** A DKIM key that signs, in PEM: RSA, or Ed25519 (RFC 8463). */
export interface DkimSigner {
  domainName: string;
  keySelector: string;
  privateKey: string;
}

/** Headers that a signature covers (RFC 6376, section 5.4.1), and those of one-click unsubscription (RFC 8058, section 4). */
const signedHeaders = [
  ...['from', 'reply-to', 'subject', 'date', 'message-id', 'to', 'cc', 'mime-version', 'content-type'],
  ...['content-transfer-encoding', 'in-reply-to', 'references', 'auto-submitted', 'precedence'],
  ...['list-id', 'list-unsubscribe', 'list-unsubscribe-post', 'feedback-id'],
];

/** Names of a line of the header. */
const namesOfLine = 6;

/**
 * The `DKIM-Signature` header of a mail, with its CRLF: relaxed/relaxed (RFC 6376). Its own code, since mailauth parses the key and the mail
 * anew for each one: for the e-mails of a campaign, that took twice the time of an RSA signature.
 *
 * @throws Error for a key that cannot be read
 */
export function dkimSignature(mail: Buffer, signer: DkimSigner): Buffer {
  const split = mail.indexOf('\r\n\r\n');
  const [head, body] = split < 0 ? [mail, Buffer.alloc(0)] : [mail.subarray(0, split), mail.subarray(split + 4)];
  // From the last one up, which is the order in which verifiers look for headers with one name.
  const fields = head
    .toString('latin1')
    .split(/\r\n(?![ \t])/)
    .map(relaxedField)
    .toReversed();
  const signed = signedHeaders.flatMap((name) => fields.filter((field) => field.startsWith(`${name}:`)));
  const names = signed.map((field) => field.slice(0, field.indexOf(':')));
  const lines = Array.from({ length: Math.ceil(names.length / namesOfLine) }, (_, line) =>
    names.slice(line * namesOfLine, (line + 1) * namesOfLine).join(':'),
  );
  const key = keyOf(signer);
  const header = [
    `DKIM-Signature: v=1; a=${key.asymmetricKeyType}-sha256; c=relaxed/relaxed;`,
    ` d=${domainToASCII(signer.domainName)}; s=${signer.keySelector}; t=${Math.floor(Date.now() / 1_000)};`,
    ` h=${lines.join(':\r\n  ')};`,
    ` bh=${bodyHash(body)};`,
    ' b=',
  ].join('\r\n');
  const signature = signatureOf([...signed, relaxedField(header)].join('\r\n'), key);
  return Buffer.from(`${header}${signature.replaceAll(/.{72}(?=.)/g, '$&\r\n  ')}\r\n`, 'latin1');
}

/** Ed25519 signs the hash (RFC 8463, section 3). */
function signatureOf(signed: string, key: KeyObject): string {
  const data = Buffer.from(signed, 'latin1');
  if (key.asymmetricKeyType === 'rsa') return sign('sha256', data, key).toString('base64');
  return sign(null, createHash('sha256').update(data).digest(), key).toString('base64');
}

/** Keys that were read: the first signature of an RSA key takes twice the time of others. */
const keys = new WeakMap<DkimSigner, KeyObject>();

function keyOf(signer: DkimSigner): KeyObject {
  let key = keys.get(signer);
  if (!key) keys.set(signer, (key = createPrivateKey(signer.privateKey)));
  return key;
}

/** RFC 6376, section 3.4.2. */
function relaxedField(field: string): string {
  const colon = field.indexOf(':');
  const name = withSingleSpaces(field.slice(0, colon)).replace(/ $/, '').toLowerCase();
  const value = withSingleSpaces(field.slice(colon + 1).replaceAll('\r\n', ''));
  return `${name}:${value.replace(/^ /, '').replace(/ $/, '')}`;
}

/** Bytes of a body that are read at a time: a mail with attachments has 25 MB. */
const pieceBytes = 262_144;

/** RFC 6376, section 3.4.4. Line ends are those that SMTP makes of them. */
function bodyHash(body: Buffer): string {
  const hash = createHash('sha256');
  let [rest, blankLines, isEmpty] = ['', 0, true];
  for (let start = 0; start < body.length; start += pieceBytes) {
    const piece = rest + body.toString('latin1', start, start + pieceBytes);
    const isLast = start + pieceBytes >= body.length;
    const cut = isLast ? piece.length : piece.lastIndexOf('\n') + 1;
    rest = piece.slice(cut);
    const lines = relaxedLines(piece.slice(0, cut));
    let end = lines.length;
    while (end >= 2 && lines.startsWith('\r\n', end - 2)) end -= 2;
    if (end > 0) {
      hash.update('\r\n'.repeat(blankLines)).update(lines.slice(0, end), 'latin1');
      [blankLines, isEmpty] = [0, false];
    }
    blankLines += (lines.length - end) / 2;
  }
  return hash.update(isEmpty ? '' : '\r\n').digest('base64');
}

function relaxedLines(text: string): string {
  return withSingleSpaces(text.replaceAll(/\r?\n/g, '\r\n')).replaceAll(' \r\n', '\r\n').replace(/ $/, '');
}

function withSingleSpaces(text: string): string {
  return text.replaceAll(/[ \t]+/g, ' ');
}
