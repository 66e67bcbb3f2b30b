import {
  createServer,
  STATUS_CODES,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { createSecureContext } from 'node:tls';
import { closeServer, followFiles, noteCertificate, type Logger, type Readiness } from '@rapport/platform';
import { ConnectionShares, type ConnectionBounds } from './connection-shares.js';
import { answerUnreadableRequests } from './unreadable-requests.js';

/** Paths of PEM files. */
export interface TlsFiles {
  /** The certificate, with those between it and its authority. */
  certificate: string;
  key: string;
}

const limits = {
  headersTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 16_384,
  // Node can't distinguish a file from a form: each kind of body has its own timeout.
  requestTimeout: 0,
  // Node answers a missing Host with an empty 400: we check it ourselves.
  requireHostHeader: false,
};

/** All of TLS 1.3, and those of TLS 1.2 with forward secrecy and AEAD: no CBC. */
const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');
const tlsRules = { ciphers, minVersion: 'TLSv1.2' } as const;

/** Answers a request, or calls `route`. */
export type AnswerEarly = (request: IncomingMessage, response: ServerResponse, route: () => void) => void;

export interface BoundedServerOptions {
  /** Tried before the router. */
  answerEarly: AnswerEarly | undefined;
  /** Plain HTTP when absent. */
  tls: TlsFiles | undefined;
  connections: ConnectionBounds;
  /** Addresses or CIDR ranges. */
  trustedProxies: readonly string[];
  /** Headers of refusals of malformed requests. */
  securityHeaders: Readonly<Record<string, string>>;
  logger: Logger;
  /** While it drains, connections end after their next answer. */
  readiness: Pick<Readiness, 'onDrain'> | undefined;
}

/**
 * A server with the limits that Fastify sets only on a server of its own. With `tls` it speaks TLS, and uses a changed
 * certificate for new connections.
 */
export function createBoundedServer(router: RequestListener, options: BoundedServerOptions): Server {
  const { answerEarly, tls, connections, trustedProxies, securityHeaders, logger, readiness } = options;
  /** The latest response on each connection. */
  const responses = new WeakMap<Duplex, ServerResponse>();
  const responseOn = (socket: Duplex) => responses.get(socket);
  let isDraining = false;
  readiness?.onDrain(() => {
    isDraining = true;
  });
  const listener: RequestListener = (request, response) => {
    responses.set(request.socket, response);
    // A client must not have begun another request when its connection is closed.
    if (isDraining) response.shouldKeepAlive = false;
    // A server that closes has Fastify end the connection after the answer.
    if (!answerEarly || isDraining || !server.listening) return router(request, response);
    answerEarly(request, response, () => router(request, response));
  };
  const server: Server = tls ? startTls(tls, listener, logger) : createServer(limits, listener);
  new ConnectionShares({ server, bounds: connections, trustedProxies, isTls: tls !== undefined, responseOn });
  server.setTimeout(0);
  // Node answers an unknown expectation with an empty 417: we check it ourselves.
  server.on('checkExpectation', listener);
  answerUnreadableRequests(server, { securityHeaders, responseOn, logger });
  const close = server.close.bind(server);
  // Fastify calls it. What `closeServer` calls in turn is Node's own.
  server.close = (done) => {
    server.close = close;
    closeServer(server).then(
      () => done?.(),
      (error: Error) => done?.(error),
    );
    return server;
  };
  return server;
}

function startTls({ certificate, key }: TlsFiles, listener: RequestListener, logger: Logger): Server {
  const server = createTlsServer({ ...limits, ...tlsRules, handshakeTimeout: 5_000 }, listener);
  const take = ([cert = '', keyText]: readonly string[]) => {
    // The server must not keep one half of a change.
    createSecureContext({ cert, key: keyText });
    server.setSecureContext({ ...tlsRules, cert, key: keyText });
    noteCertificate('public', cert);
  };
  server.once('close', followFiles([certificate, key], take, logger));
  return server;
}

/** The fields that `writeHead` of node:http sets: none of them is public. */
interface HeadFields {
  _header: string | null;
  _hasBody: boolean;
  _last: boolean;
  _keepAliveTimeout: number;
}

/**
 * Sends a whole answer, whose header block is already text, in one write. node:http takes headers only as names and values,
 * which it checks and joins again for each answer: a fifth of the cost of an answer from memory. So what `writeHead` would
 * set is set here, and in no other place; `whole-answers.test.ts` fails when Node does it differently.
 *
 * @param lines each with its end, checked by the caller: all but `connection` and `keep-alive`
 * @param content text is written as latin1. Absent in a 304
 */
export function sendWhole(
  response: ServerResponse,
  status: 200 | 304,
  lines: string,
  content: string | Buffer | undefined,
): void {
  const fields = response as unknown as HeadFields;
  // In HTTP/1.0 an answer without a length ends with the connection.
  const isLast = !response.shouldKeepAlive || (content === undefined && !response.useChunkedEncodingByDefault);
  const connection = isLast
    ? 'connection: close\r\n'
    : `connection: keep-alive\r\nkeep-alive: timeout=${Math.floor(fields._keepAliveTimeout / 1_000)}\r\n`;
  response.statusCode = status;
  fields._last = isLast;
  fields._header = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines}${connection}\r\n`;
  if (content === undefined) fields._hasBody = false;
  if (fields._hasBody) response.end(content, 'latin1');
  else response.end();
}
