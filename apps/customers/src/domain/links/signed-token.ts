import { timingSafeEqual } from 'node:crypto';
import { hmac } from '@rapport/platform';

/** Bytes of a signature: 128 bits cannot be guessed. */
const signatureBytes = 16;

/** A token that says what it is about, signed with a secret of the tenant: nothing is stored for it. @param purpose keeps kinds apart */
export function signToken(secret: Buffer, purpose: string, payload: Buffer): string {
  return Buffer.concat([payload, signatureOf(secret, purpose, payload)]).toString('base64url');
}

/** What a token claims. Its signature is checked with the secret of the tenant that it names. */
export interface ClaimedToken {
  payload: Buffer;
  isSignedBy: (secret: Buffer) => boolean;
}

/** Reads a token. Undefined for a text of another form. */
export function readSignedToken(purpose: string, token: string): ClaimedToken | undefined {
  const bytes = Buffer.from(token, 'base64url');
  // Another spelling of the same bytes is not the token.
  if (bytes.length <= signatureBytes || bytes.toString('base64url') !== token) return undefined;
  const [payload, signature] = [bytes.subarray(0, -signatureBytes), bytes.subarray(-signatureBytes)];
  return { payload, isSignedBy: (secret) => timingSafeEqual(signature, signatureOf(secret, purpose, payload)) };
}

function signatureOf(secret: Buffer, purpose: string, payload: Buffer): Buffer {
  return hmac(secret).update(`${purpose} `).update(payload).digest().subarray(0, signatureBytes);
}
