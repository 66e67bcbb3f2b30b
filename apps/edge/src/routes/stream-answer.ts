import { Readable } from 'node:stream';
import type { RestRoute } from '@rapport/contracts';
import { HttpHeader } from '@rapport/contracts/rapport/api/v1/http_header';
import { TrafficClass } from '@rapport/contracts/rapport/api/v1/options';
import type { FastifyReply } from 'fastify';
import { asAppError } from '../http/handle-error.js';
import { toProblem } from '../http/problem.js';
import { prefers } from './accept-header.js';
import { eventChunks } from './event-chunks.js';
import { cutOffIdleReader } from './idle-reader.js';

type Message = Record<string, unknown>;
type Chunks = AsyncGenerator<string | Uint8Array, void>;

const json = 'application/json';
const lines = 'application/x-ndjson';
const events = 'text/event-stream';

/**
 * How long a reader of a feed may leave messages unread, in milliseconds: it can resume from its last cursor, and others
 * wait behind its unread messages.
 */
const feedIdleMs = 10_000;

/** Whether a client prefers a stream of messages to one JSON document. */
export function prefersStream(accept: string): boolean {
  return prefers(accept, events, json) || prefers(accept, lines, json);
}

/**
 * Answers with a stream of messages: a file as raw bytes, and other messages as server-sent events for clients that prefer
 * them, else as a line of JSON each. They are requested no faster than the client reads. An error before the first message
 * is thrown and answered as a problem; a later one ends events with an event `error`, and destroys the connection of the
 * other forms, so that a partial answer is never mistaken for a complete one. The id of an event is the field `cursor` of
 * its message, if it has one.
 *
 * @param toText writes the JSON of one message
 */
export async function sendStream(
  reply: FastifyReply,
  route: RestRoute,
  messages: AsyncGenerator<unknown, void>,
  toText: (message: Message) => string,
): Promise<FastifyReply> {
  const chunks = chunksFor(reply, route, messages as AsyncGenerator<Message, void>, toText);
  const first = await chunks.next();
  void reply.code(reply.hasHeader('content-range') ? 206 : 200).header('cache-control', 'private, no-store');
  cutOffIdleReader(reply.raw, route.method.policy.trafficClass === TrafficClass.FEED ? feedIdleMs : undefined);
  // One chunk ahead of the client at most.
  return reply.send(Readable.from(startingWith(first, chunks), { objectMode: true, highWaterMark: 1 }));
}

function chunksFor(
  reply: FastifyReply,
  route: RestRoute,
  messages: AsyncGenerator<Message, void>,
  write: (message: Message) => string,
): Chunks {
  if (route.answerUsage === 'file') return fileChunks(reply, messages);
  void reply.header('vary', 'accept');
  if (!prefers(reply.request.headers.accept, events, lines)) {
    void reply.type(lines);
    return lineChunks(messages, write);
  }
  void reply.type(events);
  const problem = (error: unknown) =>
    JSON.stringify(toProblem(asAppError(error, reply.request), reply.request.id, route));
  return eventChunks(messages, write, problem, ({ cursor }) => (typeof cursor === 'string' ? cursor : undefined));
}

/** If a browser displays a file nevertheless, it has no origin and runs no script. */
const filePolicy = "default-src 'none'; frame-ancestors 'none'; sandbox";

/**
 * Headers of a file that a service may set, by extensions of the first google.api.HttpBody. With Content-Range the status
 * is 206.
 */
const fileHeaders: ReadonlySet<string> = new Set([
  'content-disposition',
  'content-length',
  'content-range',
  'accept-ranges',
  'etag',
]);

/** The first message has the content type, and the headers of the file in its extensions. */
async function* fileChunks(reply: FastifyReply, messages: AsyncIterable<Message>): Chunks {
  void reply.type('application/octet-stream').header('content-security-policy', filePolicy);
  for await (const { contentType, data, extensions } of messages) {
    if (!reply.sent) {
      if (typeof contentType === 'string' && contentType !== '') void reply.type(contentType);
      void reply.headers(headersIn(extensions));
    }
    yield data as Uint8Array;
  }
}

function headersIn(extensions: unknown): Record<string, string> {
  if (!Array.isArray(extensions)) return {};
  const headers = (extensions as { typeUrl: string; value: Uint8Array }[])
    .filter(({ typeUrl }) => typeUrl.endsWith('/rapport.api.v1.HttpHeader'))
    .map(({ value }) => HttpHeader.decode(value));
  return Object.fromEntries(headers.flatMap(({ name, value }) => (fileHeaders.has(name) ? [[name, value]] : [])));
}

async function* lineChunks(messages: AsyncIterable<Message>, write: (message: Message) => string): Chunks {
  for await (const message of messages) yield `${write(message)}\n`;
}

async function* startingWith(first: IteratorResult<string | Uint8Array, void>, rest: Chunks): Chunks {
  if (first.done) return;
  try {
    yield first.value;
    yield* rest;
  } finally {
    await rest.return();
  }
}
