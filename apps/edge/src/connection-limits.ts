import fastify, { LogController, type FastifyInstance } from 'fastify';
import { AppError, invalidArgument, type Logger } from '@rapport/platform';
import { createBoundedServer, type TlsFiles } from './bounded-server.js';
import type { AnswerAhead } from './cache/answer-ahead.js';
import { defaultConnectionBounds, type ConnectionBounds } from './connection-shares.js';
import { handleError } from './handle-error.js';
import { sendProblem } from './problem.js';
import { requestId } from './request-id.js';
import { refusalOfLines } from './request-lines.js';
import { drainUnreadBodies } from './unread-bodies.js';

/** Largest JSON body, in bytes: a batch of 1,000 records of 4 KB. */
const bodyLimitBytes = 4 * 1024 * 1024;
/** How long a client may take to send a body that is not a file, in milliseconds. */
const defaultBodyTimeoutMs = 8_000;

export interface HttpServerOptions {
  logger: Logger;
  trustedProxies: string[];
  /** On every answer but 304. */
  securityHeaders: Readonly<Record<string, string>>;
  /** Plain HTTP when absent. */
  tls?: TlsFiles | undefined;
  /** Whether connections end after their next answer. Never when absent. */
  isDraining?: () => boolean;
  /** Tried before the framework; none when absent. */
  answerAhead?: AnswerAhead | undefined;
  /** Defaults when absent. */
  connections?: ConnectionBounds | undefined;
  /** How long a client may take to send a body that is not a file, in milliseconds. 8,000 when absent. */
  bodyTimeoutMs?: number;
}

/** An HTTP server that no client can hold up: every wait for a client has an end, and sizes and connections are bounded. */
export function createHttpServer(options: HttpServerOptions): FastifyInstance {
  const { logger, trustedProxies, securityHeaders, tls, answerAhead, isDraining = () => false } = options;
  const { connections = defaultConnectionBounds, bodyTimeoutMs = defaultBodyTimeoutMs } = options;
  const bounds = { answerAhead, tls, connections, trustedProxies, securityHeaders, logger, isDraining };
  const server = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    bodyLimit: bodyLimitBytes,
    trustProxy: trustedProxies.length > 0 ? trustedProxies : false,
    genReqId: ({ headers }) => requestId(headers['x-request-id']),
    forceCloseConnections: 'idle',
    serverFactory: (ordinary) => createBoundedServer(ordinary, bounds),
    // The server answers them itself.
    clientErrorHandler: () => undefined,
    // Refused below, in our form.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 200 },
    // Such a request meets no hook.
    frameworkErrors: (_error, request, reply) => {
      request.log.info('unreadable URL');
      void reply.headers({ ...securityHeaders, 'x-request-id': request.id });
      if (!request.raw.complete) void reply.header('connection', 'close');
      const violation = { field: '', reason: 'REQUEST_MALFORMED', description: 'The URL can not be read.' };
      void sendProblem(reply, invalidArgument([violation]));
    },
  }) as unknown as FastifyInstance;
  server.setErrorHandler(handleError);
  let isClosing = false;
  server.addHook('preClose', (done) => {
    isClosing = true;
    done();
  });
  server.addHook('onRequest', (request, reply, done) => {
    void reply.headers(securityHeaders).header('x-request-id', request.id);
    const refusal = isClosing ? closing() : refusalOfLines(request.raw);
    if (!refusal) return done();
    void sendProblem(reply, refusal);
  });
  drainUnreadBodies(server);
  server.addHook('onSend', (_request, reply, _payload, done) => {
    // They belong to the answer that the client has: RFC 9110, section 15.4.5.
    if (reply.statusCode === 304) for (const name of Object.keys(securityHeaders)) void reply.removeHeader(name);
    done();
  });
  server.addHook('preParsing', (request, reply, payload, done) => {
    if (request.raw.complete || request.routeOptions.config.route?.bodyUsage === 'file') return done(null, payload);
    const timer = setTimeout(() => {
      const late = new AppError('ABORTED', 'REQUEST_TIMEOUT', 'The body took too long.');
      // The body parser answers with this error. Without a parser, the request may already have been refused.
      if (payload.listenerCount('error') > 0) payload.emit('error', late);
      else if (!reply.sent) void sendProblem(reply, late);
    }, bodyTimeoutMs);
    const stop = () => clearTimeout(timer);
    payload.once('close', stop).once('end', stop);
    reply.raw.once('close', stop);
    done(null, payload);
  });
  return server;
}

/** Refusal of a request on a connection that was busy when the server began to close. */
function closing(): AppError {
  const message = 'This edge is shutting down. Try again.';
  return new AppError('UNAVAILABLE', 'SERVICE_UNAVAILABLE', message, { retryAfterSeconds: 1 });
}
