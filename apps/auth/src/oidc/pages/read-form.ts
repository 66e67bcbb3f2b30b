import type { IncomingMessage } from 'node:http';
import { AppError } from '@rapport/platform';
import type { Context } from 'koa';

/** Maximum size of a form, in bytes: more than any page or OAuth request needs. */
const maxFormBytes = 32 * 1024;

/**
 * Reads the body of a form.
 *
 * @throws AppError INVALID_ARGUMENT BODY_TOO_LARGE
 */
export async function readForm(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > maxFormBytes) throw new AppError('INVALID_ARGUMENT', 'BODY_TOO_LARGE', 'The form is too large.');
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

/** Whether the Origin header of a form is our own. */
export function isOwnForm(context: Context, issuer: string): boolean {
  return context.get('origin') === new URL(issuer).origin;
}
