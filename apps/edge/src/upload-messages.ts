import type { RestRoute } from '@rapport/contracts';
import { AppError, invalidArgument } from '@rapport/platform';
import type { FastifyRequest } from 'fastify';

/** Longest pause of a sender before the upload is given up, in milliseconds. */
const idleTimeoutMs = 15_000;

/**
 * The request messages of a file upload: the first has the parameters and the content type, each has a piece of the
 * file. Pieces are read from the connection no faster than the service takes them.
 */
export async function* uploadMessages(
  route: RestRoute,
  request: FastifyRequest,
  parameters: Record<string, unknown>,
): AsyncGenerator<Record<string, unknown>> {
  const name = route.fields.body?.jsonName ?? '';
  const body = request.body as NodeJS.ReadableStream | undefined;
  if (!body) throw invalidArgument([{ field: name, reason: 'REQUIRED', description: 'A file is required.' }]);
  const contentType = request.headers['content-type'] ?? '';
  const empty = route.toMessage({ params: {}, query: {}, headers: {}, body: undefined });
  yield { ...parameters, [name]: { contentType, data: new Uint8Array(), extensions: [] } };
  const socket = request.raw.socket;
  const giveUp = () => request.raw.destroy(new AppError('ABORTED', 'REQUEST_TIMEOUT', 'The file stopped coming.'));
  socket.setTimeout(idleTimeoutMs, giveUp);
  try {
    for await (const data of body) yield { ...empty, [name]: { contentType: '', data, extensions: [] } };
  } finally {
    socket.setTimeout(0);
    socket.off('timeout', giveUp);
  }
}
