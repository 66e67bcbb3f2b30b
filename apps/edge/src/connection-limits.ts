import fastify, { LogController, type FastifyInstance } from 'fastify';
import { AppError, invalidArgument, type Logger } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { sendProblem } from './problem.js';

/** Largest JSON body, in bytes: a batch of 1,000 records of 4 KB. */
const bodyLimitBytes = 4 * 1024 * 1024;
/** How long a client may take to send a body that is not a file, in milliseconds. */
const bodyTimeoutMs = 8_000;

/**
 * An HTTP server that no client can hold up: every wait for a client has an end, and sizes and connections are bounded.
 */
export function createHttpServer(logger: Logger, trustedProxies: string[]): FastifyInstance {
  const server = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    bodyLimit: bodyLimitBytes,
    trustProxy: trustedProxies.length > 0 ? trustedProxies : false,
    genReqId: ({ headers }) => requestId(headers['x-request-id']),
    keepAliveTimeout: 72_000,
    // Node can't tell a file from a form: each kind of body has a timeout of its own.
    requestTimeout: 0,
    forceCloseConnections: 'idle',
    http: { headersTimeout: 5_000, connectionsCheckingInterval: 1_000, maxHeaderSize: 16_384 },
    routerOptions: { maxParamLength: 200 },
    // Such a request meets no hook.
    frameworkErrors: (_error, request, reply) => {
      request.log.info('unreadable URL');
      void reply.headers({ 'x-request-id': request.id, 'x-content-type-options': 'nosniff' });
      const violation = { field: '', reason: 'REQUEST_MALFORMED', description: 'The URL can not be read.' };
      void sendProblem(reply, invalidArgument([violation]));
    },
  }) as unknown as FastifyInstance;
  server.server.maxConnections = 10_000;
  server.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id);
    if (!hasSecondHost(request.raw.rawHeaders)) return;
    return sendProblem(reply, new AppError('INVALID_ARGUMENT', 'REQUEST_MALFORMED', 'There is more than one Host.'));
  });
  server.addHook('onSend', async (request, reply) => {
    // What is left of an unread request is on the connection: no other can follow it.
    if (!request.raw.complete) void reply.header('connection', 'close');
  });
  server.addHook('preParsing', async (request, reply, payload) => {
    if (request.raw.complete || request.routeOptions.config.route?.bodyUsage === 'file') return payload;
    const timer = setTimeout(() => {
      void sendProblem(reply, new AppError('ABORTED', 'REQUEST_TIMEOUT', 'The body took too long.'));
      reply.raw.once('finish', () => request.raw.destroy());
    }, bodyTimeoutMs);
    payload.once('close', () => clearTimeout(timer));
    payload.once('end', () => clearTimeout(timer));
    return payload;
  });
  return server;
}

function requestId(given: string | string[] | undefined): string {
  return typeof given === 'string' && /^[\w.-]{8,64}$/.test(given) ? given : uuidv7();
}

/** Node takes the first of two Host lines; a proxy in front may have taken the other. */
function hasSecondHost(rawHeaders: readonly string[]): boolean {
  return rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host').length > 1;
}
