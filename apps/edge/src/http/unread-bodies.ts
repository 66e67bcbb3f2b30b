import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { headOf } from './request-head.js';

/** How much of an unread body is drained, in bytes, and for how long, in milliseconds. */
const drainLimits = { bytes: 32 * 1024 * 1024, ms: 5_000 };

/**
 * Lets a client that is still sending see the refusal. The answer is sent at once; then the rest of the body is read and discarded,
 * up to a limit, before the connection is closed. Closing a socket with unread bytes makes TCP reset the connection, and many
 * clients then report a broken pipe instead of the answer. Compare `lingering_close` of nginx.
 */
export function drainUnreadBodies(server: FastifyInstance): void {
  server.addHook('onSend', (_request, reply, payload, done) => done(null, drainingBody(reply, payload)));
}

/**
 * What to send in place of an answer's content: a refusal is a stream that ends when the unread body is drained. Marks the connection
 * as the last answer's if a body is unread.
 */
export function drainingBody(reply: FastifyReply, payload: unknown): unknown {
  const { raw, method } = reply.request;
  if (raw.complete || !headOf(raw).hasBody) return payload;
  // The rest of the body is still on the connection, so no other request can follow.
  void reply.header('connection', 'close');
  const isRefusal = reply.statusCode >= 400 && typeof payload === 'string' && method !== 'HEAD';
  // A sender that timed out gets no more time.
  if (!isRefusal || reply.statusCode === 408) return payload;
  void reply.header('content-length', Buffer.byteLength(payload));
  return Readable.from(untilDrained(payload, raw), { objectMode: false });
}

async function* untilDrained(payload: string, request: IncomingMessage): AsyncGenerator<string> {
  yield payload;
  await drain(request);
}

function drain(request: IncomingMessage): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (request.destroyed || request.readableEnded) return Promise.resolve();
  const timer = setTimeout(resolve, drainLimits.ms);
  let left = drainLimits.bytes;
  // An upload that the service refused still waits for its next chunk, which would block the body.
  request.removeAllListeners('readable');
  request.on('data', (piece: Buffer) => {
    left -= piece.length;
    if (left <= 0) resolve();
  });
  for (const event of ['end', 'close', 'error']) request.once(event, resolve);
  request.resume();
  return promise.finally(() => clearTimeout(timer));
}
