import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createSecureContext } from 'node:tls';
import { closeServer, followFiles, type Logger } from '@rapport/platform';
import type { AnswerAhead } from './cache/answer-ahead.js';
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
  // Node can't tell a file from a form: each kind of body has a timeout of its own.
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

export interface BoundedServerOptions {
  answerAhead: AnswerAhead | undefined;
  /** Plain HTTP when absent. */
  tls: TlsFiles | undefined;
  connections: ConnectionBounds;
  /** Addresses or CIDR ranges. */
  trustedProxies: readonly string[];
  /** On refusals of what is no request. */
  securityHeaders: Readonly<Record<string, string>>;
  logger: Logger;
  isDraining: () => boolean;
}

/**
 * A server with the limits that Fastify sets only for one that it has made. With `tls` it speaks TLS, and takes up a changed
 * certificate for the connections that come after.
 */
export function createBoundedServer(ordinary: RequestListener, options: BoundedServerOptions): Server {
  const { answerAhead, tls, connections, trustedProxies, securityHeaders, logger, isDraining } = options;
  const listener: RequestListener = (request, response) => {
    shares.note(request.socket, response);
    // A client must not have begun another request when its connection is closed.
    if (isDraining()) response.shouldKeepAlive = false;
    // A server that closes has Fastify end the connection after the answer.
    if (!answerAhead || isDraining() || !server.listening) return ordinary(request, response);
    answerAhead(request, response, () => ordinary(request, response));
  };
  const server: Server = tls ? startTls(tls, listener, logger) : createServer(limits, listener);
  const shares = new ConnectionShares(server, connections, trustedProxies, tls !== undefined);
  server.setTimeout(0);
  // Node answers an unknown expectation with an empty 417: we check it ourselves.
  server.on('checkExpectation', listener);
  answerUnreadableRequests(server, { securityHeaders, responseOn: (socket) => shares.responseOn(socket), logger });
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
  const take = ([cert, keyText]: readonly string[]) => {
    // The server must not be left with one half of a change.
    createSecureContext({ cert, key: keyText });
    server.setSecureContext({ ...tlsRules, cert, key: keyText });
  };
  server.once('close', followFiles([certificate, key], take, logger));
  return server;
}
