import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { AppError, traceparentOf } from '@rapport/platform';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { clientGone } from '../calls/call-ends.js';
import { methodNotAllowed, routeUnknown } from '../http/handle-error.js';
import type { Limits } from '../limits/limits.js';
import { refuseContentCoding } from '../routes/content-forms.js';
import { clientOf } from '../http/request-head.js';
import { sendPages } from '../http/security-headers.js';
import type { OidcConnection } from './oidc-connection.js';

/** Every path of the OpenID provider that is reached from outside. */
const paths: readonly { url: string; methods: ('GET' | 'POST')[] }[] = [
  { url: '/.well-known/openid-configuration', methods: ['GET'] },
  { url: '/.well-known/oauth-authorization-server', methods: ['GET'] },
  { url: '/oauth/jwks', methods: ['GET'] },
  { url: '/oauth/authorize', methods: ['GET'] },
  { url: '/oauth/authorize/:id', methods: ['GET'] },
  { url: '/oauth/interactions/:id', methods: ['GET'] },
  { url: '/oauth/interactions/:id/:action', methods: ['GET', 'POST'] },
  { url: '/oauth/logout', methods: ['GET', 'POST'] },
  { url: '/oauth/logout/confirm', methods: ['POST'] },
  { url: '/oauth/logout/success', methods: ['GET'] },
  { url: '/oauth/invitation', methods: ['GET', 'POST'] },
  { url: '/oauth/password-reset', methods: ['GET', 'POST'] },
  { url: '/oauth/token', methods: ['POST'] },
  { url: '/oauth/revoke', methods: ['POST'] },
  { url: '/oauth/introspect', methods: ['POST'] },
];

/** Forms posted to these paths contain a password. */
const passwordForms = new Set(['/oauth/interactions/:id/:action', '/oauth/invitation', '/oauth/password-reset']);

/** More than any form of the provider needs, in bytes. It is read here: no slow sender holds a connection to auth. */
const bodyLimitBytes = 32 * 1024;
const deadlineMs = 10_000;

/** Header lines of a request that are forwarded. Its address, scheme and host are set below. */
const passedOn = ['accept', 'accept-language', 'authorization', 'content-type', 'cookie', 'origin'] as const;

/** Hop-by-hop headers, and those that this server sets itself. */
const notPassedBack = new Set(['connection', 'date', 'keep-alive', 'transfer-encoding', 'x-request-id']);

/** The method whose places the provider uses: it is a part of auth. */
const placeOf = { path: '/rapport.auth.v1.OpenIdProvider/Forward', policy: { trafficClass: 0 } };

/**
 * Forwards the paths of the OpenID provider to auth, with the limits and headers of all routes.
 *
 * @param refusedHost `host:port` of the console, when it has a host of its own: its scripts must not reach the provider's pages
 */
export async function registerOidc(
  server: FastifyInstance,
  connection: OidcConnection,
  limits: Limits,
  { isTls, refusedHost }: { isTls: boolean; refusedHost: string | undefined },
): Promise<void> {
  server.addHook('onClose', async () => connection.close());
  await server.register(async (scope) => {
    sendPages(scope, isTls);
    if (refusedHost !== undefined) {
      scope.addHook('onRequest', ({ host }, _reply, done) => done(host === refusedHost ? routeUnknown() : undefined));
    }
    refuseContentCoding(scope);
    scope.removeAllContentTypeParsers();
    const asBytes = { parseAs: 'buffer', bodyLimit: bodyLimitBytes } as const;
    scope.addContentTypeParser('application/x-www-form-urlencoded', asBytes, (_request, body, done) =>
      done(null, body),
    );
    for (const { url, methods } of paths) {
      scope.route({
        method: methods,
        url,
        exposeHeadRoute: false,
        handler: (request, reply) => forward(request, reply, { connection, limits }),
      });
    }
  });
}

interface ProviderParts {
  connection: OidcConnection;
  limits: Limits;
}

async function forward(request: FastifyRequest, reply: FastifyReply, parts: ProviderParts): Promise<FastifyReply> {
  const { limits } = parts;
  const limited = limits.addresses.charge(request.ip, 1);
  if (limited) throw limited;
  // Counted apart from wrong API keys, so that these do not lock out sign-ins from the same address.
  const giveBack = request.method === 'POST' ? limits.failedAuthentications.take(request.ip, 'oauth') : undefined;
  let isWrong = false;
  try {
    if (reply.raw.closed) throw clientGone();
    reply.raw.once('close', limits.places.enter(placeOf, undefined));
    const answer = await ask(request, reply, parts);
    isWrong = answer.statusCode === 400 || answer.statusCode === 401;
    return sendOn(reply, answer);
  } finally {
    if (!isWrong) giveBack?.();
  }
}

function sendOn(reply: FastifyReply, answer: IncomingMessage): FastifyReply {
  const { statusCode: status = 502, headers } = answer;
  if (status >= 400 && !isOfProvider(headers)) {
    answer.resume();
    if (headers.allow !== undefined) void reply.header('allow', headers.allow);
    throw refusalOf(status);
  }
  for (const [name, value] of Object.entries(headers)) {
    // No page of another origin may read the provider's answers.
    if (value !== undefined && !notPassedBack.has(name) && !name.startsWith('access-control-'))
      void reply.header(name, value);
  }
  return reply.code(status).send(answer);
}

/** Whether a refusal is a page, or an OAuth error (RFC 6749, section 5.2). Any other comes from Koa or node:http. */
function isOfProvider({ 'content-type': type = '' }: IncomingHttpHeaders): boolean {
  return /^(?:text\/html|application\/json)\b/.test(type);
}

function refusalOf(status: number): AppError {
  if (status === 401) return new AppError('UNAUTHENTICATED', 'CREDENTIAL_INVALID', 'The credential is not valid.');
  if (status === 404) return routeUnknown();
  if (status === 405) return methodNotAllowed();
  if (status < 500) return new AppError('INVALID_ARGUMENT', 'REQUEST_MALFORMED', 'The request can not be read.');
  const message = 'The sign-in service can not answer now. Try again.';
  return new AppError('UNAVAILABLE', 'SERVICE_UNAVAILABLE', message, { retryAfterSeconds: 1 });
}

/** @throws AppError UNAVAILABLE, DEADLINE_EXCEEDED, or CANCELLED when the client has gone */
function ask(request: FastifyRequest, reply: FastifyReply, { connection }: ProviderParts): Promise<IncomingMessage> {
  const body = Buffer.isBuffer(request.body) ? request.body : undefined;
  const path = request.raw.url ?? '/';
  const headers = headersFor(request, body);
  const sendsPassword = request.method === 'POST' && passwordForms.has(request.routeOptions.url ?? '');
  return new Promise((resolve, reject) => {
    const sent = connection.request({ method: request.method, path, headers }, sendsPassword).once('response', resolve);
    const timer = setTimeout(() => {
      sent.destroy();
      reject(new AppError('DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED', 'The sign-in service took too long.'));
    }, deadlineMs);
    reply.raw.once('close', () => {
      clearTimeout(timer);
      if (!reply.raw.writableFinished) sent.destroy();
    });
    sent.once('error', (cause) => {
      const message = 'The sign-in service can not be reached. Try again.';
      reject(new AppError('UNAVAILABLE', 'SERVICE_UNAVAILABLE', message, { cause, retryAfterSeconds: 1 }));
    });
    sent.end(body);
  });
}

/** X-Forwarded-* are set here only; Fastify has applied those of a trusted proxy. */
function headersFor(request: FastifyRequest, body: Buffer | undefined): IncomingHttpHeaders {
  const passed = passedOn.flatMap((name) => {
    const value = request.headers[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const { address, userAgent } = clientOf(request);
  const traceparent = traceparentOf(request.span);
  return {
    ...Object.fromEntries(passed),
    ...(body && { 'content-length': String(body.length) }),
    'x-request-id': request.id,
    ...(traceparent && { traceparent }),
    'user-agent': userAgent,
    'x-forwarded-for': address,
    'x-forwarded-proto': request.protocol,
    'x-forwarded-host': request.host,
  };
}
