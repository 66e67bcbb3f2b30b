import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Authenticator } from '../access/authenticator.js';
import { routeUnknown } from '../http/handle-error.js';
import { clientOf } from '../http/request-head.js';
import { sendPages } from '../http/security-headers.js';
import type { Limits } from '../limits/limits.js';
import { originOf, renewed, signedOut, type ConsoleSessions } from './bearer-from-cookie.js';
import type { ProviderClient } from './provider-client.js';

/** Longest page address that a sign-in returns to: its cookie holds it. */
const maxReturnLength = 1_000;

export interface SignInParts {
  sessions: ConsoleSessions;
  provider: ProviderClient;
  authenticator: Authenticator;
  limits: Limits;
  /** Origin of the console. */
  consoleUrl: string;
  isTls: boolean;
  /** `host:port` of requests that are refused: those of the provider, when it has a host of its own. */
  refusedHost: string | undefined;
}

/**
 * The sign-in of the console: a backend for the frontend (draft-ietf-oauth-browser-based-apps, section 6.1). Scripts of the console never
 * see a token. These paths exist on the console's host only, so that a script of the console can not drive the provider's pages when
 * these have a host of their own.
 */
export async function registerSignIn(server: FastifyInstance, parts: SignInParts): Promise<void> {
  const { sessions, limits, refusedHost } = parts;
  await server.register(async (scope) => {
    sendPages(scope, parts.isTls);
    scope.removeAllContentTypeParsers();
    scope.addHook('onRequest', (request, reply, done) => {
      void reply.header('cache-control', 'no-store');
      if (request.host === refusedHost) return done(routeUnknown());
      done(limits.addresses.charge(request.ip, 1));
    });
    scope.get('/console/sign-in', (request, reply) => begin(request, reply, parts));
    scope.get('/console/callback', (request, reply) => finish(request, reply, parts));
    scope.get('/console/session', async (request, reply) => {
      const session = await sessions.find(request, /\bno-cache\b/.test(request.headers['cache-control'] ?? ''));
      if (!session) throw signedOut();
      const { sealed, tokens } = session;
      const authorization = `Bearer ${tokens.accessToken}`;
      const { authenticator } = parts;
      const { caller } =
        authenticator.known(authorization) ??
        (await authenticator.authenticate(authorization, request.id, clientOf(request)));
      const cookie = await renewed(sessions, session);
      if (cookie !== undefined) void reply.header('set-cookie', cookie);
      return {
        ...tokens.profile,
        locale: tokens.profile.locale ?? 'en',
        permissions: caller.permissions,
        expireTime: sessions.cookies.endOf(sealed),
      };
    });
    scope.post('/console/sign-out', async (request, reply) => {
      const session = await sessions.find(request);
      if (!session) throw signedOut();
      await sessions.end(session.sealed, originOf(request));
      return reply.code(204).header('set-cookie', sessions.cookies.none('session')).send();
    });
  });
}

async function begin(request: FastifyRequest, reply: FastifyReply, parts: SignInParts): Promise<FastifyReply> {
  const { sessions, provider, consoleUrl } = parts;
  // Another name of this host, such as localhost, would not get the cookies that the callback needs.
  if (request.host !== new URL(consoleUrl).host) {
    const [, search = ''] = request.url.split('?', 2);
    return reply.redirect(`${consoleUrl}/console/sign-in?${search}`, 303);
  }
  const query = request.query as Readonly<Record<string, unknown>>;
  const hint = (name: string) => {
    const value = query[name];
    return typeof value === 'string' && value.length <= 100 ? value : undefined;
  };
  const hints = { workspace: hint('workspace'), login_hint: hint('login_hint'), ui_locales: hint('ui_locales') };
  const { url, signIn } = await provider.begin(returnPath(query['return'], consoleUrl), hints);
  return reply.header('set-cookie', await sessions.cookies.ofSignIn(signIn)).redirect(url, 303);
}

/** A sign-in that was cancelled, is too old, or was begun in another browser ends on the console's first page. */
async function finish(request: FastifyRequest, reply: FastifyReply, parts: SignInParts): Promise<FastifyReply> {
  const { sessions, provider, consoleUrl } = parts;
  const { cookies } = sessions;
  const sealed = cookies.read(request.headers.cookie, 'sign-in');
  const signIn = sealed === undefined ? undefined : await cookies.openSignIn(sealed);
  const callback = new URL(request.raw.url ?? '/', consoleUrl);
  const tokens = signIn && (await provider.finish(callback, signIn, originOf(request)));
  const used = cookies.none('sign-in');
  if (!tokens) return reply.header('set-cookie', used).redirect('/', 303);
  return reply.header('set-cookie', [used, await sessions.begin(tokens)]).redirect(signIn.returnTo, 303);
}

/** A path of the console. Anything that a browser would take for another site is not, such as `/.//example.com`, whose path is `//example.com`. */
function returnPath(wanted: unknown, consoleUrl: string): string {
  if (typeof wanted !== 'string' || wanted.length > maxReturnLength || !wanted.startsWith('/')) return '/';
  const url = URL.parse(wanted, consoleUrl);
  if (url?.origin !== consoleUrl || url.pathname.startsWith('//')) return '/';
  return url.pathname + url.search + url.hash;
}
