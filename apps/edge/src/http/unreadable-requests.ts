import type { Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { AppError, type Logger } from '@rapport/platform';
import { problemHeaders, toProblem } from './problem.js';
import { requestIdOf } from './request-head.js';

/** How long a client has to read the refusal before its connection is destroyed, in milliseconds. */
const lastReadMs = 1_000;

export interface UnreadableRequestsOptions {
  /** On every answer. */
  securityHeaders: Readonly<Record<string, string>>;
  /** The last response on a connection; undefined before the first. */
  responseOn?: (socket: Duplex) => ServerResponse | undefined;
  /** No line is written when absent. */
  logger?: Logger;
}

/**
 * Answers input that never becomes a request of node:http, with a problem as for every other refusal: parser errors,
 * headers that are too long or too slow, and CONNECT.
 */
export function answerUnreadableRequests(server: Server, options: UnreadableRequestsOptions): void {
  const { responseOn = () => undefined } = options;
  server.on('connect', (_request, socket) => {
    socket.on('error', () => socket.destroy());
    refuse(socket, new AppError('UNIMPLEMENTED', 'METHOD_UNKNOWN', 'CONNECT is not supported.'), options);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    // The parser fails again on all further input until the client has read the refusal.
    if (socket.writableEnded && error.code !== 'ECONNRESET') return;
    if (error.code === 'ECONNRESET' || !socket.writable || isAnswering(responseOn(socket), socket)) {
      socket.destroy();
      return;
    }
    refuse(socket, asAppError(error), options);
  });
}

/** Whether a response has been sent in part: the client would take further bytes for its body. */
function isAnswering(response: ServerResponse | undefined, socket: Duplex): boolean {
  if (!response || response.writableFinished) return false;
  // A pipelined response has no socket while it waits for an earlier one.
  return response.headersSent || response.socket !== socket;
}

function asAppError({ code }: NodeJS.ErrnoException): AppError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new AppError('INVALID_ARGUMENT', 'HEADERS_TOO_LARGE', 'The URL and the headers are too long.');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new AppError('INVALID_ARGUMENT', 'BODY_TOO_LARGE', 'The chunk extensions are too long.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new AppError('ABORTED', 'REQUEST_TIMEOUT', 'The headers took too long.');
    default:
      return new AppError('INVALID_ARGUMENT', 'REQUEST_MALFORMED', 'The request is not valid HTTP/1.1.');
  }
}

function refuse(socket: Duplex, error: AppError, { securityHeaders, logger }: UnreadableRequestsOptions): void {
  const id = requestIdOf(undefined);
  const problem = toProblem(error, id);
  const body = JSON.stringify(problem);
  const headers = {
    ...securityHeaders,
    ...problemHeaders(error),
    'x-request-id': id,
    'content-type': 'application/problem+json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    date: new Date().toUTCString(),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${problem.status} ${problem.title}\r\n${lines.join('')}\r\n${body}`);
  // Closing at once would reset the connection of a client that is still sending, and it would lose the refusal.
  const timer = setTimeout(() => socket.destroy(), lastReadMs).unref();
  socket.once('close', () => clearTimeout(timer));
  logger?.info({ requestId: id, status: problem.status, code: problem.code }, 'unreadable request');
}
