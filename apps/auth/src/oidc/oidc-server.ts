import { hkdfSync } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { AppError, closeServer, type Logger } from '@rapport/platform';
import type { Middleware } from 'koa';
import { createProvider } from './create-provider.js';
import { exchangeTransaction } from './exchange-transaction.js';
import { Interactions } from './interactions.js';
import type { OidcDatabase } from './oidc-database.js';
import type { KeySet, SigningKeys } from './signing-keys.js';
import type { UserAccounts } from './user-accounts.js';

type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export interface OidcServerOptions {
  /** URL by which clients know us, without a slash at its end. */
  issuer: string;
  /** 32 bytes, from which the key of cookies is made. */
  masterKey: Buffer;
  clientSecretKey: Buffer;
  database: OidcDatabase;
  keys: SigningKeys;
  accounts: UserAccounts;
  logger: Logger;
}

/** The HTTP server of the OpenID provider. Only the edge calls it. */
export class OidcServer {
  readonly #server: Server;
  readonly #cookieKey: string;
  #provider: { keys: KeySet; answer: Answer } | undefined;

  constructor(private readonly options: OidcServerOptions) {
    const cookieKey = hkdfSync('sha256', options.masterKey, '', 'rapport sign-in cookies', 32);
    this.#cookieKey = Buffer.from(cookieKey).toString('base64url');
    const limits = {
      headersTimeout: 5_000,
      requestTimeout: 8_000,
      connectionsCheckingInterval: 1_000,
      // Longer than the edge keeps a connection that is idle: it never sends on one that we close.
      keepAliveTimeout: 72_000,
    };
    this.#server = createServer(limits, (request, response) => void this.#answer(request, response));
    this.#server.maxConnections = 2_000;
  }

  listen(port: number, host: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, resolve);
    });
  }

  /** Ends when the running requests are answered. */
  close(): Promise<void> {
    return closeServer(this.#server);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Cookies are for TLS only exactly when clients reach us by TLS, whatever the last hop is.
    request.headers['x-forwarded-proto'] = new URL(this.options.issuer).protocol.slice(0, -1);
    try {
      const answer = await this.#currentProvider();
      await answer(request, response);
    } catch (error) {
      this.options.logger.error({ err: error }, 'the OpenID provider failed');
      if (!response.headersSent) response.writeHead(503, { 'retry-after': '1' });
      response.end();
    }
  }

  /** A provider has one set of keys for good: other keys are another provider. */
  async #currentProvider(): Promise<Answer> {
    const keys = await this.options.keys.current();
    if (this.#provider?.keys === keys) return this.#provider.answer;
    const { issuer, database, accounts, logger } = this.options;
    const provider = createProvider({ ...this.options, keys: keys.signing, cookieKey: this.#cookieKey });
    const logFailure = (error: unknown) => logger.error({ err: error }, 'an OAuth request failed');
    provider.on('server_error', (_context, error) => logFailure(error));
    // Koa's own, which the provider's types leave out.
    (provider as EventEmitter).on('error', logFailure);
    provider.use(refuseTooLarge);
    provider.use(new Interactions(issuer, database, accounts).middleware(provider));
    provider.use(exchangeTransaction(database, issuer, keys));
    const answer = provider.callback();
    this.#provider = { keys, answer };
    return answer;
  }
}

const refuseTooLarge: Middleware = async (context, next) => {
  try {
    await next();
  } catch (error) {
    if (!(error instanceof AppError) || error.reason !== 'BODY_TOO_LARGE') throw error;
    context.status = 413;
    context.body = { error: 'invalid_request', error_description: error.message };
  }
};
