import { parse as uuidBytes, validate } from 'uuid';
import { readSignedToken, signToken } from '../links/signed-token.js';

/** Where a link of a mail is. The image that records opens is in the HTML. */
export type MailPart = 'HTML' | 'TEXT';

/** What a link of a mail is about. */
export interface TrackedLink {
  recipientId: string;
  part: MailPart;
  /** Number of the URL in the campaign, from 1. 0 is the trap: a link that people cannot see. */
  number: number;
  /** How many different links the part has. */
  count: number;
}

/** What the links of a tenant are made with. */
export interface TokenIssuer {
  tenantId: string;
  /** Key of the tenant's mail tokens. */
  secret: Buffer;
}

/** A token that may be of a link. */
export interface ClaimedLink extends TrackedLink {
  tenantId: string;
  isSignedBy: (secret: Buffer) => boolean;
}

const linkPurpose = 'tracked link';
const imagePurpose = 'tracked image';

/** Two ids, the part, the number and the count. */
const linkBytes = 16 + 16 + 1 + 2 + 2;

/** The token of a link: 71 characters. */
export function linkToken(
  { tenantId, secret }: TokenIssuer,
  { recipientId, part, number, count }: TrackedLink,
): string {
  const payload = Buffer.alloc(linkBytes);
  payload.set(uuidBytes(tenantId), 0);
  payload.set(uuidBytes(recipientId), 16);
  payload.writeUInt8(part === 'HTML' ? 0 : 1, 32);
  payload.writeUInt16BE(number, 33);
  payload.writeUInt16BE(count, 35);
  return signToken(secret, linkPurpose, payload);
}

/** Reads the token of a link. Undefined for a text of another form. */
export function readLinkToken(token: string): ClaimedLink | undefined {
  const claimed = readSignedToken(linkPurpose, token);
  if (claimed?.payload.length !== linkBytes) return undefined;
  const ids = idsIn(claimed.payload);
  const { payload, isSignedBy } = claimed;
  const part = payload.readUInt8(32) === 0 ? 'HTML' : 'TEXT';
  return ids && { ...ids, part, number: payload.readUInt16BE(33), count: payload.readUInt16BE(35), isSignedBy };
}

/** The token of the image of a mail. */
export function imageToken({ tenantId, secret }: TokenIssuer, recipientId: string): string {
  return signToken(secret, imagePurpose, Buffer.concat([uuidBytes(tenantId), uuidBytes(recipientId)]));
}

/** Reads the token of an image. Undefined for a text of another form. */
export function readImageToken(
  token: string,
): Pick<ClaimedLink, 'tenantId' | 'recipientId' | 'isSignedBy'> | undefined {
  const claimed = readSignedToken(imagePurpose, token);
  if (claimed?.payload.length !== 32) return undefined;
  const ids = idsIn(claimed.payload);
  return ids && { ...ids, isSignedBy: claimed.isSignedBy };
}

function idsIn(payload: Buffer): Pick<ClaimedLink, 'tenantId' | 'recipientId'> | undefined {
  const [tenantId, recipientId] = [0, 16].map((at) => idAt(payload, at));
  return tenantId !== undefined && recipientId !== undefined ? { tenantId, recipientId } : undefined;
}

function idAt(payload: Buffer, at: number): string | undefined {
  const hex = payload.toString('hex', at, at + 16);
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return validate(id) ? id : undefined;
}
