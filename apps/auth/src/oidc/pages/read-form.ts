import type { IncomingMessage } from 'node:http';
import { AppError } from '@rapport/platform';
import type { Context } from 'koa';

/** More than any form of ours or request of OAuth needs, in bytes. */
const maxFormBytes = 32 * 1024;

/**
 * The text of a form.
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

/** Whether a form comes from a page of ours: browsers say of what origin it is. */
export function isOwnForm(context: Context, issuer: string): boolean {
  return context.get('origin') === new URL(issuer).origin;
}
