import { hkdfSync } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import {
  AppError,
  callContext,
  closeServer,
  continueTrace,
  runInSpan,
  SpanKind,
  type KeyRing,
  type Logger,
} from '@rapport/platform';
import type { Middleware } from 'koa';
import type { AccountPages } from '../pages/account-pages.js';
import type { ForgottenPassword } from '../pages/forgotten-password.js';
import { Interactions } from '../pages/interactions.js';
import { refuseNul } from '../pages/read-form.js';
import type { SignOut } from '../pages/sign-out.js';
import type { KeySet, SigningKeys } from '../tokens/signing-keys.js';
import { awayError, DatabaseAway } from '../records/database-away.js';
import type { OidcDatabase } from '../records/oidc-database.js';
import type { UserAccounts } from '../records/user-accounts.js';
import { createBoundedServer, edgeRequests, type MutualTls } from './create-bounded-server.js';
import { createProvider } from './create-provider.js';
import { exchangeTransaction } from './exchange-transaction.js';
import { trackRevocations } from './record-exchange.js';

type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export interface OidcServerOptions {
  /** Issuer URL, without a trailing slash. */
  issuer: string;
  /** Origin of the console. */
  consoleUrl: string;
  /** The secrets that the keys of cookies are derived from. */
  masterKeys: KeyRing;
  clientSecretKeys: KeyRing;
  database: OidcDatabase;
  keys: SigningKeys;
  accounts: UserAccounts;
  accountPages: AccountPages;
  forgottenPassword: ForgottenPassword;
  signOut: SignOut;
  /** Plain HTTP when absent, for tests only. */
  tls?: MutualTls | undefined;
  logger: Logger;
}

/** The HTTP server of the OpenID provider. Only the edge calls it. */
export class OidcServer {
  readonly #server: Server;
  readonly #cookieKeys: readonly string[];
  #provider: { keys: KeySet; answer: Answer } | undefined;

  constructor(private readonly options: OidcServerOptions) {
    const derive = (key: Buffer) => Buffer.from(hkdfSync('sha256', key, '', 'rapport sign-in cookies', 32));
    this.#cookieKeys = options.masterKeys.derive(derive).all.map((key) => key.toString('base64url'));
    const answer = (request: IncomingMessage, response: ServerResponse) => void this.#answer(request, response);
    this.#server = createBoundedServer(answer, options.tls, options.logger);
  }

  listen(port: number, host: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, resolve);
    });
  }

  /** Resolves after the running requests have completed. */
  close(): Promise<void> {
    return closeServer(this.#server);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const answer = await this.#currentProvider();
      const span = startSpan(request);
      const endSpan = () => span?.setAttribute('http.response.status_code', response.statusCode).end();
      if (span) response.once('close', endSpan);
      await callContext.run(contextOf(request), () => runInSpan(span, () => answer(request, response)));
    } catch (error) {
      this.options.logger.error({ err: error }, 'the OpenID provider failed');
      if (!response.headersSent) response.writeHead(503, { 'retry-after': '1' });
      response.end();
    }
  }

  /** The keys of a provider are fixed, so changed keys need a new provider. */
  async #currentProvider(): Promise<Answer> {
    const keys = await this.options.keys.current();
    if (this.#provider?.keys === keys) return this.#provider.answer;
    const { issuer, database, accounts, accountPages, forgottenPassword, signOut, logger } = this.options;
    const provider = createProvider({
      ...this.options,
      isOfEdge: edgeRequests(this.options.tls),
      keys: keys.signing,
      cookieKeys: this.#cookieKeys,
    });
    const logFailure = (error: unknown) => logger.error({ err: error }, 'an OAuth request failed');
    provider.on('server_error', (context, error) => {
      logFailure(error);
      if (error instanceof DatabaseAway) context.set(error.headers);
    });
    // An event of Koa, which the provider's types omit.
    (provider as EventEmitter).on('error', logFailure);
    provider.use(answerWhileAway);
    provider.use(refuseUnreadable);
    provider.use(accountPages.middleware);
    provider.use(refuseNulInQuery);
    provider.use(new Interactions(issuer, database, accounts, forgottenPassword).middleware(provider));
    provider.use(signOut.middleware(provider));
    trackRevocations(provider);
    provider.use(exchangeTransaction(database, issuer, keys));
    const answer = provider.callback();
    this.#provider = { keys, answer };
    return answer;
  }
}

/** The client as the edge reports it, for security events. */
function contextOf({ headers }: IncomingMessage) {
  const read = (name: string) => headers[name]?.toString() ?? '';
  const client = { address: read('x-forwarded-for'), userAgent: read('user-agent') };
  return { requestId: read('x-request-id'), caller: undefined, client };
}

/** Starts a span that is named after the fixed part of the path, such as `/oauth/interactions`. */
function startSpan({ method = '', url = '', headers }: IncomingMessage) {
  const route = url.split(/[/?]/, 3).join('/');
  const start = { kind: SpanKind.SERVER, attributes: { 'http.request.method': method, 'http.route': route } };
  return continueTrace(`${method} ${route}`, start, headers['traceparent']?.toString());
}

/** Errors of our own pages; the provider answers those of its endpoints. */
const answerWhileAway: Middleware = async (_context, next) => {
  try {
    await next();
  } catch (error) {
    throw awayError(error);
  }
};

/** The pages of mailed links have an answer of their own to any token. */
const refuseNulInQuery: Middleware = async (context, next) => {
  refuseNul(context.querystring);
  await next();
};

const unreadable: Readonly<Record<string, number>> = { BODY_TOO_LARGE: 413, REQUEST_MALFORMED: 400 };

const refuseUnreadable: Middleware = async (context, next) => {
  try {
    await next();
  } catch (error) {
    const status = error instanceof AppError ? unreadable[error.reason] : undefined;
    if (!(error instanceof AppError) || status === undefined) throw error;
    context.status = status;
    context.body = { error: 'invalid_request', error_description: error.message };
  }
};
