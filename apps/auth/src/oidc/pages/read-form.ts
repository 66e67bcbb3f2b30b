import type { IncomingMessage } from 'node:http';
import { AppError } from '@rapport/platform';
import type { Context } from 'koa';

/** Maximum size of a form, in bytes: more than any page or OAuth request needs. */
const maxFormBytes = 32 * 1024;

/**
 * Reads the body of a form.
 *
 * @throws AppError INVALID_ARGUMENT BODY_TOO_LARGE or REQUEST_MALFORMED
 */
export async function readForm(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > maxFormBytes) throw new AppError('INVALID_ARGUMENT', 'BODY_TOO_LARGE', 'The form is too large.');
    pieces.push(piece);
  }
  const form = Buffer.concat(pieces).toString();
  refuseNul(form);
  return form;
}

/**
 * Refuses NUL in an encoded form or query. PostgreSQL stores none, and no parameter of OAuth has one (RFC 6749, appendix A).
 *
 * @throws AppError INVALID_ARGUMENT REQUEST_MALFORMED
 */
export function refuseNul(text: string): void {
  if (!text.includes('%00') && !text.includes('\0')) return;
  throw new AppError('INVALID_ARGUMENT', 'REQUEST_MALFORMED', 'The request has a NUL character.');
}

/** Whether the Origin header of a form is our own. */
export function isOwnForm(context: Context, issuer: string): boolean {
  return context.get('origin') === new URL(issuer).origin;
}
