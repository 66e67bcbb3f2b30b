import { timingSafeEqual } from 'node:crypto';
import { hmac } from '@rapport/platform';
import { parse } from 'uuid';
import { base32 } from '../../messages/mail-tokens.js';

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/** Characters of an id of 128 bits, and of a signature of 60 bits: a forged report would need as many mails as guesses. */
const [idLength, signatureLength] = [26, 12];

const tokenPattern = /^c([a-z2-7]{26})([a-z2-7]{12})$/;

/**
 * The token of the envelope of a recipient, 39 characters of lower case: a bounce returns to it. It follows from the id, so none is
 * stored.
 */
export function recipientToken(secret: Buffer, recipientId: string): string {
  return `c${base32(Buffer.from(parse(recipientId)))}${signature(secret, recipientId)}`;
}

/** The recipient that a token is of. Undefined for one of another form, and for a forged one. */
export function recipientOfToken(secret: Buffer, token: string): string | undefined {
  const [, id, signed] = tokenPattern.exec(token.toLowerCase()) ?? [];
  if (id === undefined || signed === undefined) return undefined;
  const recipientId = decode(id);
  if (recipientId === undefined) return undefined;
  return timingSafeEqual(Buffer.from(signed), Buffer.from(signature(secret, recipientId))) ? recipientId : undefined;
}

/** The `Message-ID` of the e-mail to a recipient, the same for each attempt: a relay or a reader can drop a second one. */
export function recipientMessageId(campaignId: string, recipientId: string, domain: string): string {
  return `${recipientId}.${campaignId.slice(-12)}@${domain}`;
}

/** The recipient that a `Message-ID` names. That the recipient has this one is for its reader to check. */
export function recipientOfMessageId(internetMessageId: string): string | undefined {
  return messageIdPattern.exec(internetMessageId)?.[1];
}

const messageIdPattern = /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\.[0-9a-f]{12}@/;

function signature(secret: Buffer, recipientId: string): string {
  const digest = hmac(secret).update(`campaign recipient ${recipientId}`).digest();
  return base32(digest).slice(0, signatureLength);
}

/** The id that 26 characters encode. Undefined unless they are the one form of it. */
function decode(text: string): string | undefined {
  const bytes: number[] = [];
  let [bits, held] = [0, 0];
  for (const sign of text) {
    held = ((held << 5) | alphabet.indexOf(sign)) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((held >>> bits) & 0xff);
  }
  const id = Buffer.from(bytes);
  if (text.length !== idLength || base32(id) !== text) return undefined;
  return id.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
