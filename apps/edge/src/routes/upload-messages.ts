import type { Readable } from 'node:stream';
import type { RestRoute } from '@rapport/contracts';
import { AppError, invalidArgument } from '@rapport/platform';
import type { FastifyRequest } from 'fastify';

/** A cancelled call looks like a finished one to the service: only an empty chunk marks the end of the file. */
const endOfFile = new Uint8Array();
/** Longest pause of a sender before the upload is aborted, in milliseconds. */
const idleTimeoutMs = 15_000;

/**
 * The request messages of a file upload: the first has the parameters and the content type, each has a chunk of the file,
 * and an empty one marks its end. Chunks are read from the connection no faster than the service takes them.
 *
 * @throws AppError INVALID_ARGUMENT BODY_TOO_LARGE, before anything is read if the request states its length
 */
export async function* uploadMessages(
  route: RestRoute,
  request: FastifyRequest,
  parameters: Record<string, unknown>,
): AsyncGenerator<Record<string, unknown>> {
  const name = route.fields.body?.jsonName ?? '';
  const body = request.body as Readable | undefined;
  if (!body) throw invalidArgument([{ field: name, reason: 'REQUIRED', description: 'A file is required.' }]);
  const { maxBodyBytes = Infinity } = route;
  let size = 0;
  if (Number(request.headers['content-length']) > maxBodyBytes) throw tooLarge(maxBodyBytes);
  const contentType = request.headers['content-type'] ?? '';
  const empty = route.toMessage({ params: {}, query: {}, headers: {}, body: undefined });
  yield { ...parameters, [name]: { contentType, data: new Uint8Array(), extensions: [] } };
  // An upload that is no longer read still has an answer to send on this connection.
  const pieces = body.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>;
  for (;;) {
    const piece = await withinIdleTimeout(pieces.next());
    const data = piece.done ? endOfFile : piece.value;
    size += data.length;
    if (size > maxBodyBytes) throw tooLarge(maxBodyBytes);
    yield { ...empty, [name]: { contentType: '', data, extensions: [] } };
    if (piece.done) return;
  }
}

function tooLarge(maxBytes: number): AppError {
  return new AppError('INVALID_ARGUMENT', 'BODY_TOO_LARGE', `The body has at most ${maxBytes} bytes.`);
}

async function withinIdleTimeout<Value>(value: Promise<Value>): Promise<Value> {
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const giveUp = () => reject(new AppError('ABORTED', 'REQUEST_TIMEOUT', 'The upload stalled. Send the file again.'));
  const timer = setTimeout(giveUp, idleTimeoutMs);
  try {
    return await Promise.race([value, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
