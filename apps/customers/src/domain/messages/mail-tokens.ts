import { randomBytes, timingSafeEqual } from 'node:crypto';
import { hmac } from '@rapport/platform';
import { emailIdentity } from '../../engine/values/domain-spellings.js';

/** Addresses of a mailbox: all local parts of the tokens are lower case, since servers on the way may fold them. */
export interface TokenAddress {
  /** Of the mailbox. */
  address: string;
  /** See PutMailAddress. */
  replyDomain?: string | null | undefined;
}

/** A ticket, and its number, which the token shows. */
export interface TokenTicket {
  id: string;
  number: number;
}

/** Characters of a signature, 5 bits each: 90 bits cannot be guessed within the life of a ticket. */
const signatureLength = 18;

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/** The token of a ticket: its number in base 36, and a signature of the ticket. */
export function threadToken(secret: Buffer, { id, number }: TokenTicket): string {
  return `t${number.toString(36)}-${signature(secret, id)}`;
}

/** The number that a token claims; the signature decides whether it is a token of a ticket. */
export function numberOfToken(token: string): number | undefined {
  const claimed = tokenPattern.exec(token)?.[1];
  return claimed === undefined ? undefined : parseInt(claimed, 36);
}

/** Whether a token is that of the ticket. Takes the same time for all wrong ones. */
export function isTokenOf(secret: Buffer, token: string, ticket: TokenTicket): boolean {
  const [given, expected] = [Buffer.from(token), Buffer.from(threadToken(secret, ticket))];
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** A new token of a bounce: 130 random bits. */
export function newBounceToken(): string {
  return `b${base32(randomBytes(17)).slice(0, 26)}`;
}

/** The address that mail with a token comes back to. */
export function tokenAddress({ address, replyDomain }: TokenAddress, token: string): string {
  if (replyDomain) return `${token}@${replyDomain}`;
  const at = address.lastIndexOf('@');
  return `${address.slice(0, at)}+${token}${address.slice(at)}`;
}

/** The tokens of tickets in addresses that a message was sent to, each once. */
export function threadTokensIn(addresses: readonly string[], mailboxes: readonly TokenAddress[]): string[] {
  const tokens = addresses.flatMap((each) => {
    const token = tokenIn(each.toLowerCase(), mailboxes);
    return token !== undefined && tokenPattern.test(token) ? [token] : [];
  });
  return [...new Set(tokens)];
}

/** The tokens of bounces in addresses that a message was sent to, each once. */
export function bounceTokensIn(addresses: readonly string[], mailboxes: readonly TokenAddress[]): string[] {
  const tokens = addresses.map((each) => tokenIn(each.toLowerCase(), mailboxes) ?? '');
  return [...new Set(tokens.filter((token) => /^b[a-z2-7]{26}$/.test(token)))];
}

/** Whether an address is that of a mailbox, with or without a token. @param address in lower case */
export function isAddressOf(address: string, mailboxes: readonly TokenAddress[]): boolean {
  return (
    mailboxes.some((mailbox) => emailIdentity(mailbox.address) === emailIdentity(address)) ||
    tokenIn(address, mailboxes) !== undefined
  );
}

const tokenPattern = /^t([0-9a-z]{1,7})-[a-z2-7]{18}$/;

function tokenIn(address: string, mailboxes: readonly TokenAddress[]): string | undefined {
  const at = address.lastIndexOf('@');
  const [local, domain] = [address.slice(0, at), address.slice(at + 1)];
  for (const mailbox of mailboxes) {
    if (mailbox.replyDomain?.toLowerCase() === domain) return local;
    const own = mailbox.address.toLowerCase();
    const [ownLocal, ownDomain] = [own.slice(0, own.lastIndexOf('@')), own.slice(own.lastIndexOf('@') + 1)];
    if (domain === ownDomain && local.startsWith(`${ownLocal}+`)) return local.slice(ownLocal.length + 1);
  }
  return undefined;
}

function signature(secret: Buffer, ticketId: string): string {
  return base32(hmac(secret).update(`ticket ${ticketId}`).digest()).slice(0, signatureLength);
}

/** Base 32 (RFC 4648) in lower case, without padding. */
export function base32(bytes: Buffer): string {
  let [text, bits, held] = ['', 0, 0];
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += alphabet.charAt((held >>> bits) & 31);
    }
    held &= (1 << bits) - 1;
  }
  return bits === 0 ? text : text + alphabet.charAt((held << (5 - bits)) & 31);
}
