import fastify, { LogController, type FastifyInstance, type FastifyReply } from 'fastify';
import { AppError, invalidArgument, type Logger, type Readiness } from '@rapport/platform';
import { createBoundedServer, type AnswerEarly, type TlsFiles } from './bounded-server.js';
import { defaultConnectionBounds, type ConnectionBounds } from './connection-shares.js';
import { handleError } from './handle-error.js';
import { problemType, sendProblem, toProblem } from './problem.js';
import { headOf, parseQuery } from './request-head.js';
import { apiHeaders } from './security-headers.js';
import { drainingBody, drainUnreadBodies } from './unread-bodies.js';

/** Largest JSON body, in bytes: a batch of 1,000 records of 4 KB. */
const bodyLimitBytes = 4 * 1024 * 1024;
/** How long a client may take to send a body that is not a file, in milliseconds. */
const bodyTimeoutMs = 8_000;

export interface HttpServerOptions {
  logger: Logger;
  trustedProxies: string[];
  /** Plain HTTP when absent. */
  tls?: TlsFiles | undefined;
  /** While it drains, connections end after their next answer. Never when absent. */
  readiness?: Pick<Readiness, 'onDrain'>;
  /** Tried before the router; none when absent. */
  answerEarly?: AnswerEarly;
  /** Defaults when absent. */
  connections?: ConnectionBounds | undefined;
}

/** An HTTP server that no client can hold up: every wait for a client has an end, and sizes and connections are bounded. */
export function createHttpServer(options: HttpServerOptions): FastifyInstance {
  const { logger, trustedProxies, tls, answerEarly, readiness } = options;
  const { connections = defaultConnectionBounds } = options;
  const securityHeaders = apiHeaders(tls !== undefined);
  const bounds = { answerEarly, tls, connections, trustedProxies, securityHeaders, logger, readiness };
  const server = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    bodyLimit: bodyLimitBytes,
    trustProxy: trustedProxies.length > 0 ? trustedProxies : false,
    genReqId: (request) => headOf(request).requestId,
    forceCloseConnections: 'idle',
    serverFactory: (ordinary) => createBoundedServer(ordinary, bounds),
    // The server answers them itself.
    clientErrorHandler: () => undefined,
    // Refused below, in our form.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 200, querystringParser: parseQuery },
    // Such a request meets no hook.
    frameworkErrors: (_error, request, reply) => {
      request.log.info('unreadable URL');
      refuseUrl(reply, { ...securityHeaders, 'x-request-id': request.id });
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
    const refusal = isClosing ? closing() : headOf(request.raw).refusal;
    if (!refusal) return done();
    void sendProblem(reply, refusal);
  });
  drainUnreadBodies(server);
  server.addHook('onSend', (_request, reply, _payload, done) => {
    // These headers belong to the answer that the client has: RFC 9110, section 15.4.5.
    if (reply.statusCode === 304) for (const name of Object.keys(securityHeaders)) void reply.removeHeader(name);
    done();
  });
  server.addHook('preParsing', (request, reply, payload, done) => {
    const isAwaited = headOf(request.raw).hasBody && !request.raw.complete;
    if (!isAwaited || request.routeOptions.config.route?.bodyUsage === 'file') return done(null, payload);
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

/** No hook sees the answer, so the body is drained here. */
function refuseUrl(reply: FastifyReply, headers: Readonly<Record<string, string>>): void {
  const description = 'The URL can not be read.';
  const error = invalidArgument([{ field: '', reason: 'REQUEST_MALFORMED', description }]);
  void reply.code(400).headers(headers).type(problemType);
  void reply.send(drainingBody(reply, JSON.stringify(toProblem(error, reply.request.id))));
}
