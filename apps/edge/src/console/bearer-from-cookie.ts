import { createHash } from 'node:crypto';
import { AppError } from '@rapport/platform';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import type { RenewAuthorization } from '../access/open-calls.js';
import { clientOf, headOf } from '../http/request-head.js';
import type { IssuedTokens, ProviderClient, RequestOrigin } from './provider-client.js';
import { isOver, isRenewable, secondsNow, type ConsoleCookies, type SealedSession } from './session-cookie.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set on a request of the console. */
    renewAuthorization: RenewAuthorization | undefined;
  }
}

const maxSessions = 10_000;
/** A token that is valid for less than this is refreshed before it is used, in milliseconds. */
const leastMs = 60_000;

/** The session of a request from the console. */
export interface OpenSession {
  sealed: SealedSession;
  tokens: IssuedTokens;
}

/**
 * The sessions of the console on this edge. Cookies hold them; an edge that sees a cookie for the first time gets an access token with
 * its refresh token, and keeps it in memory. Refresh tokens of confidential clients are not rotated, so edges need not agree.
 */
export class ConsoleSessions {
  /** By hash of the cookie. */
  readonly #opened = new LRUCache<string, SealedSession>({ max: maxSessions });
  /** By hash of the refresh token, which all cookies of a session hold. */
  readonly #tokens = new LRUCache<string, IssuedTokens>({ max: maxSessions });
  /** Of ended sessions. */
  readonly #refused = new LRUCache<string, true>({ max: maxSessions });
  readonly #refreshing = new Map<string, Promise<IssuedTokens | undefined>>();

  constructor(
    readonly cookies: ConsoleCookies,
    private readonly provider: ProviderClient,
  ) {}

  /**
   * The session of a request. Only the console's own pages can send such a request: the header is in no answer to a preflight, and
   * browsers set Sec-Fetch-Site themselves.
   *
   * @param isNew whether its tokens are to be issued now
   * @returns undefined for a request without a valid cookie, or of another page
   * @throws AppError UNAVAILABLE when auth can't be asked
   */
  async find(request: FastifyRequest, isNew = false): Promise<OpenSession | undefined> {
    const { headers } = request;
    const cookie = this.cookies.read(headers.cookie, 'session');
    if (cookie === undefined) return undefined;
    if (headers['rapport-console'] !== '1' || headers['sec-fetch-site'] !== 'same-origin') return undefined;
    const sealed = await this.#open(cookie);
    const tokens = sealed && (await this.#tokensOf(sealed, originOf(request), isNew));
    return sealed && tokens && { sealed, tokens };
  }

  /** Keeps the tokens of a session that begins. @returns its Set-Cookie header */
  begin({ refreshToken, ...tokens }: IssuedTokens & { refreshToken: string }): Promise<string> {
    this.#tokens.set(hashOf(refreshToken), tokens);
    const now = secondsNow();
    return this.cookies.ofSession({ refreshToken, startedAt: now, seenAt: now });
  }

  /** The Authorization header of a session, with a new token when the last one is about to expire. Undefined when it is over. */
  async authorizationOf(sealed: SealedSession, origin: RequestOrigin): Promise<string | undefined> {
    const tokens = isOver(sealed) ? undefined : await this.#tokensOf(sealed, origin, false);
    return tokens && `Bearer ${tokens.accessToken}`;
  }

  /** Ends a session with all its tokens, for all edges. */
  async end({ refreshToken }: SealedSession, origin: RequestOrigin): Promise<void> {
    // First, so that it can be tried again when auth is away.
    await this.provider.revoke(refreshToken, origin);
    const id = hashOf(refreshToken);
    this.#tokens.delete(id);
    this.#refused.set(id, true);
  }

  async #open(cookie: string): Promise<SealedSession | undefined> {
    const key = hashOf(cookie);
    const known = this.#opened.get(key);
    if (known) return isOver(known) ? undefined : known;
    const sealed = await this.cookies.openSession(cookie);
    if (sealed) this.#opened.set(key, sealed);
    return sealed;
  }

  async #tokensOf(sealed: SealedSession, origin: RequestOrigin, isNew: boolean): Promise<IssuedTokens | undefined> {
    const id = hashOf(sealed.refreshToken);
    if (this.#refused.has(id)) return undefined;
    const known = this.#tokens.get(id);
    const leftMs = (known?.expiresAt ?? 0) - Date.now();
    if (known && !isNew && leftMs >= leastMs) return known;
    try {
      return await this.#refresh(id, sealed.refreshToken, origin);
    } catch (error) {
      // While auth is away, a token that is still valid serves reads from the cache.
      if (known && !isNew && leftMs > 0) return known;
      throw error;
    }
  }

  /** One at a time for a session. */
  #refresh(id: string, refreshToken: string, origin: RequestOrigin): Promise<IssuedTokens | undefined> {
    const running = this.#refreshing.get(id);
    if (running) return running;
    const refresh = this.provider.refresh(refreshToken, origin).then((tokens) => {
      if (tokens) this.#tokens.set(id, tokens);
      else {
        this.#tokens.delete(id);
        this.#refused.set(id, true);
      }
      return tokens;
    });
    const done = refresh.finally(() => this.#refreshing.delete(id));
    this.#refreshing.set(id, done);
    return done;
  }
}

/**
 * Gives a request with the cookie of a session the session's access token as its Authorization header. Everything after it treats the
 * request like any other with an access token. A request with an Authorization header is not looked at.
 */
export function takeBearerFromCookie(scope: FastifyInstance, sessions: ConsoleSessions): void {
  scope.decorateRequest('renewAuthorization');
  scope.addHook('onRequest', (request, reply, done) => {
    const head = headOf(request.raw);
    if (head.authorization !== undefined || request.headers.cookie === undefined) return done();
    const take = async () => {
      const session = await sessions.find(request);
      if (!session) return;
      head.authorization = `Bearer ${session.tokens.accessToken}`;
      request.headers.authorization = head.authorization;
      request.renewAuthorization = () => sessions.authorizationOf(session.sealed, originOf(request));
      head.setCookie = await renewed(sessions, session);
      if (head.setCookie !== undefined) void reply.header('set-cookie', head.setCookie);
    };
    take().then(() => done(), done);
  });
}

/** The Set-Cookie header that says that a session is in use. Undefined when that is known. */
export async function renewed(sessions: ConsoleSessions, { sealed }: OpenSession): Promise<string | undefined> {
  return isRenewable(sealed) ? sessions.cookies.ofSession({ ...sealed, seenAt: secondsNow() }) : undefined;
}

/** UNAUTHENTICATED CREDENTIAL_MISSING */
export function signedOut(): AppError {
  return new AppError('UNAUTHENTICATED', 'CREDENTIAL_MISSING', 'There is no session of the console. Sign in.');
}

export function originOf(request: FastifyRequest): RequestOrigin {
  const { address, userAgent } = clientOf(request);
  return { requestId: request.id, address, userAgent };
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
