import { text } from 'node:stream/consumers';
import { LRUCache } from 'lru-cache';
import { OutgoingError, type OutgoingHttp } from '../outgoing-http/outgoing-http.js';

/** Time limit of a call of a token endpoint, in milliseconds. */
const callMs = 15_000;

/** A token is replaced this long before it ends, in milliseconds. */
const marginMs = 60_000;

/** Lifetime of a token whose server names none, in seconds. */
const defaultSeconds = 300;

const maxAnswerBytes = 64 * 1_024;

/** An OAuth 2.0 client with a refresh token. */
export interface OAuthClient {
  tokenUrl: string;
  clientId: string;
  clientSecret?: string | undefined;
  refreshToken: string;
  scope?: string | undefined;
}

/** What a token belongs to, and where a replaced refresh token is stored. */
export interface TokenOwner {
  /** Unique, such as `relay/<tenant>/<id>`. */
  name: string;
  /** Stores a refresh token that the server has issued in place of the former one. */
  store: (refreshToken: string) => Promise<void>;
}

/** The error of a client that gets no token. */
export class OAuthError extends Error {
  constructor(
    /** True if the server refuses the client or its refresh token: a person must consent again. */
    readonly isRefused: boolean,
    description: string,
    options?: ErrorOptions,
  ) {
    super(description, options);
  }
}

interface Token {
  accessToken: string;
  endMs: number;
  refreshToken: string;
}

/**
 * Access tokens for mail servers (SASL XOAUTH2), from refresh tokens (RFC 6749, section 6). They are cached until shortly
 * before they end. Concurrent sessions of one owner wait for one call: some servers accept a refresh token once.
 */
export class OAuthTokens {
  readonly #kept = new LRUCache<string, Promise<Token>>({ max: 1_000 });
  readonly #running = new Map<string, Promise<Token>>();

  constructor(
    private readonly http: Pick<OutgoingHttp, 'exchange'>,
    private readonly now: () => number = Date.now,
  ) {}

  /** @throws OAuthError */
  async accessToken(owner: TokenOwner, client: OAuthClient): Promise<string> {
    const kept = await this.#kept.get(owner.name)?.catch(() => undefined);
    // A changed refresh token is that of another consent.
    if (kept && kept.endMs > this.now() && kept.refreshToken === client.refreshToken) return kept.accessToken;
    return (await this.#renew(owner, client)).accessToken;
  }

  /** Forgets the token of an owner, because a mail server has refused it. */
  forget(name: string): void {
    this.#kept.delete(name);
  }

  #renew(owner: TokenOwner, client: OAuthClient): Promise<Token> {
    const running = this.#running.get(owner.name);
    if (running) return running;
    const asked = this.#ask(owner, client).finally(() => this.#running.delete(owner.name));
    this.#running.set(owner.name, asked);
    this.#kept.set(owner.name, asked);
    asked.catch(() => this.#kept.delete(owner.name));
    return asked;
  }

  async #ask({ store }: TokenOwner, client: OAuthClient): Promise<Token> {
    const answer = await this.#post(client);
    const accessToken = answer['access_token'];
    if (typeof accessToken !== 'string' || accessToken === '') throw new OAuthError(false, 'The answer has no token.');
    const seconds = Number(answer['expires_in'] ?? defaultSeconds);
    const lastsMs = (Number.isFinite(seconds) && seconds > 0 ? seconds : defaultSeconds) * 1_000;
    const replaced = answer['refresh_token'];
    const refreshToken = typeof replaced === 'string' && replaced !== '' ? replaced : client.refreshToken;
    // Before the token is used: the former one may be void by now.
    if (refreshToken !== client.refreshToken) await store(refreshToken);
    return { accessToken, refreshToken, endMs: this.now() + Math.max(lastsMs - marginMs, lastsMs / 2) };
  }

  async #post({
    tokenUrl,
    clientId,
    clientSecret,
    refreshToken,
    scope,
  }: OAuthClient): Promise<Record<string, unknown>> {
    const form = new URLSearchParams({
      ...{ grant_type: 'refresh_token', refresh_token: refreshToken, client_id: clientId },
      ...(clientSecret !== undefined && { client_secret: clientSecret }),
      ...(scope !== undefined && { scope }),
    });
    const { status, body } = await this.#send(tokenUrl, Buffer.from(form.toString()));
    const answer = asObject(body);
    if (status === 200) return answer;
    const code = typeof answer['error'] === 'string' ? answer['error'].slice(0, 100) : `status ${status}`;
    // RFC 6749, section 5.2. Other answers, such as 429 and 503, can change by themselves.
    const isRefused = status === 401 || ['invalid_grant', 'invalid_client', 'unauthorized_client'].includes(code);
    throw new OAuthError(isRefused, `The token endpoint refuses: ${code}.`);
  }

  async #send(url: string, body: Buffer): Promise<{ status: number; body: string }> {
    try {
      const { status, stream } = await this.http.exchange({
        ...{ url, method: 'POST', body, signal: AbortSignal.timeout(callMs) },
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      });
      let bytes = 0;
      stream.on('data', (piece: Buffer) => {
        bytes += piece.length;
        if (bytes > maxAnswerBytes) stream.destroy(new Error('The answer is too long.'));
      });
      return { status, body: await text(stream) };
    } catch (cause) {
      const reason = cause instanceof OutgoingError ? cause.reason : 'UNREADABLE';
      throw new OAuthError(false, `The token endpoint does not answer: ${reason}.`, { cause });
    }
  }
}

function asObject(body: string): Record<string, unknown> {
  try {
    const answer: unknown = JSON.parse(body);
    return typeof answer === 'object' && answer !== null ? { ...answer } : {};
  } catch {
    return {};
  }
}
