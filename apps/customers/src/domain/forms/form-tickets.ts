import { createHash, timingSafeEqual } from 'node:crypto';
import { hmac } from '@rapport/platform';
import { parse, stringify, v7 as uuidv7 } from 'uuid';

/** What a page carries: the id that its submission will have, whose time is that of the page, and a signature. */
export interface FormTicket {
  /** UUIDv7. */
  id: string;
  /** When the page was made, in milliseconds. */
  time: number;
}

/** How long a page can be submitted. */
const validMs = 24 * 3_600_000;

/** Leading zero bits of the hash that proves work: 2^15 hashes on average. */
export const proofBits = 15;

const signatureBytes = 16;

/** A new ticket of a form. @param secret of the platform */
export function newTicket(secret: Buffer, formId: string): string {
  const id = Buffer.from(parse(uuidv7()));
  return Buffer.concat([id, signatureOf(secret, formId, id)]).toString('base64url');
}

/** The ticket in a text. Undefined unless it is one of the form, and not too old. */
export function readTicket(secret: Buffer, formId: string, text: string, now: number): FormTicket | undefined {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length !== 16 + signatureBytes) return undefined;
  const [id, signature] = [bytes.subarray(0, 16), bytes.subarray(16)];
  if (!timingSafeEqual(signature, signatureOf(secret, formId, id))) return undefined;
  const time = id.readUIntBE(0, 6);
  return now - time <= validMs ? { id: stringify(id), time } : undefined;
}

/** Whether a number proves the work for a ticket. */
export function isProof(ticket: string, proof: string): boolean {
  if (!/^\d{1,10}$/.test(proof)) return false;
  const hash = createHash('sha256').update(`${ticket}:${proof}`).digest();
  return hash.readUInt32BE(0) >>> (32 - proofBits) === 0;
}

function signatureOf(secret: Buffer, formId: string, id: Buffer): Buffer {
  return hmac(secret).update(`form ${formId} `).update(id).digest().subarray(0, signatureBytes);
}
