import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { parse } from 'uuid';
import { readSignedToken, signToken } from '../links/signed-token.js';
import { readMailSecret } from '../messages/mail-addresses.js';

/** What the links of a tenant are made with. */
export interface LinkIssuer {
  tenantId: string;
  /** Key of the tenant's mail tokens. */
  secret: Buffer;
  /** Where customers reach the pages, without a slash at its end. */
  publicUrl: string;
}

/** What a link in a mail is about. */
export interface RecipientLink {
  customerId: string;
  topicKey: string;
  /** Of the recipient or message that has the link. */
  recipientId: string;
}

/** The links that each mail of a topic has. */
export interface RecipientLinks {
  /** Of the header List-Unsubscribe (RFC 8058), and of the text. */
  unsubscribeUrl: string;
  preferencesUrl: string;
}

/** The pages that links lead to. */
export type RecipientPage = 'UNSUBSCRIBE' | 'PREFERENCES';

/** Reads what the links of the caller's tenant are made with. It exists from the first mailbox on. */
export async function linkIssuer(transaction: StatementTransaction, publicUrl: string): Promise<LinkIssuer> {
  return { tenantId: currentCaller().tenantId, secret: await readMailSecret(transaction), publicUrl };
}

/** The links of a mail: pure, and stored nowhere. */
export function recipientLinks(issuer: LinkIssuer, link: RecipientLink): RecipientLinks {
  const { publicUrl } = issuer;
  return {
    unsubscribeUrl: `${publicUrl}/u/${linkToken(issuer, 'UNSUBSCRIBE', link)}`,
    preferencesUrl: `${publicUrl}/p/${linkToken(issuer, 'PREFERENCES', link)}`,
  };
}

/** Bytes before the key of the topic: the ids of tenant, customer and recipient. */
const headBytes = 3 * 16;

/** The token of a link: the ids, the key of the topic, and their signature. At most 166 characters. */
export function linkToken(
  { tenantId, secret }: Omit<LinkIssuer, 'publicUrl'>,
  page: RecipientPage,
  { customerId, recipientId, topicKey }: RecipientLink,
): string {
  const ids = [tenantId, customerId, recipientId].map((id) => parse(id));
  return signToken(secret, `link ${page}`, Buffer.concat([...ids, Buffer.from(topicKey)]));
}

/** A token that may be of a link. Its signature is checked with the secret of the tenant that it names. */
export interface ClaimedLink extends RecipientLink {
  tenantId: string;
  isSignedBy: (secret: Buffer) => boolean;
}

/** Reads a token. Undefined for a text of another form. */
export function readLink(page: RecipientPage, token: string): ClaimedLink | undefined {
  const claimed = readSignedToken(`link ${page}`, token);
  if (!claimed) return undefined;
  const { payload, isSignedBy } = claimed;
  const topicKey = payload.subarray(headBytes).toString();
  if (!keyPattern.test(topicKey)) return undefined;
  const [tenantId, customerId, recipientId] = [idAt(payload, 0), idAt(payload, 16), idAt(payload, 32)];
  return { tenantId, customerId, recipientId, topicKey, isSignedBy };
}

const keyPattern = /^[a-z][a-z0-9_]{0,59}$/;

function idAt(bytes: Buffer, at: number): string {
  const hex = bytes.subarray(at, at + 16).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
