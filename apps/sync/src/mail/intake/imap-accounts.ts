import { isIP } from 'node:net';
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { readForTenant, tenantSession } from '@rapport/persistence';
import { ImapFlow, type ImapFlowError } from 'imapflow';
import { OutgoingError, type OutgoingHttp } from '../../outgoing-http/outgoing-http.js';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import { openImapSecrets, sealImapSecrets, type ReadMailbox } from '../mailboxes/find-mailbox.js';
import type { SignInSecrets } from '../mail-credentials.js';
import { OAuthError, type OAuthTokens } from '../oauth-tokens.js';

/** A mail of this size is read in one piece. A larger one ends the connection, and is never stored. */
const maxLiteralBytes = 64 * 1_024 * 1_024;

/** Why an IMAP server cannot be used. The message is for administrators, and has no secrets. */
export class MailServerError extends Error {
  override readonly name = 'MailServerError';

  constructor(
    readonly reason: 'UNAUTHORISED' | 'UNAVAILABLE' | 'TIMEOUT',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Connects to the IMAP accounts of mailboxes, at hosts that tenants may name. */
export class ImapAccounts {
  constructor(
    private readonly orm: MikroORM,
    private readonly http: OutgoingHttp,
    private readonly envelope: SecretEnvelope,
    private readonly tokens: OAuthTokens,
  ) {}

  /**
   * An open connection, which the caller closes.
   *
   * @throws MailServerError
   */
  async connect(mailbox: ReadMailbox): Promise<ImapFlow> {
    try {
      const client = await this.#client(mailbox);
      // Without a listener, a lost connection would end the process. Commands fail with the same error.
      client.on('error', () => undefined);
      await client.connect();
      return client;
    } catch (error) {
      throw serverError(error);
    }
  }

  async #client(mailbox: ReadMailbox): Promise<ImapFlow> {
    const { host, port, security } = mailbox.imap;
    const address = await this.http.addressOf(host);
    return new ImapFlow({
      ...{ host: address, port, secure: security === 'TLS' },
      ...(security === 'STARTTLS' && { doSTARTTLS: true }),
      ...(security === 'NONE' && { doSTARTTLS: false }),
      ...(isIP(host) === 0 && { servername: host }),
      auth: { user: mailbox.imap.signIn.user, ...(await this.#proof(mailbox)) },
      ...{ logger: false, qresync: true, disableAutoIdle: true, maxLiteralSize: maxLiteralBytes },
      ...{ maxLineLength: 8 * 1_024 * 1_024, maxResponseSize: maxLiteralBytes + 1_024 * 1_024 },
      ...{ connectionTimeout: 15_000, greetingTimeout: 10_000, socketTimeout: 180_000 },
      clientInfo: { name: 'rapport' },
    });
  }

  async #proof(mailbox: ReadMailbox): Promise<{ pass: string } | { accessToken: string }> {
    const secrets = openImapSecrets(this.envelope, mailbox);
    const { oauth2 } = mailbox.imap.signIn;
    if (!oauth2) return { pass: secrets.password ?? '' };
    const client = { ...oauth2, clientSecret: secrets.clientSecret, refreshToken: secrets.refreshToken ?? '' };
    const name = `mailbox/${mailbox.tenantId}/${mailbox.id}`;
    const store = (refreshToken: string) => this.#storeRefreshToken(mailbox, { ...secrets, refreshToken });
    return { accessToken: await this.tokens.accessToken({ name, store }, client) };
  }

  async #storeRefreshToken(mailbox: ReadMailbox, secrets: SignInSecrets): Promise<void> {
    const em: EntityManager = this.orm.em.fork({ session: tenantSession(mailbox.tenantId) });
    await readForTenant(em, {
      // Secrets that were set in the meantime stay.
      sql: 'update mailbox set sealed_secrets = $3 where tenant_id = $1 and id = $2 and version = $4',
      values: [mailbox.tenantId, mailbox.id, sealImapSecrets(this.envelope, mailbox, secrets), mailbox.version],
    });
  }
}

/** What an error of a connection means. */
export function serverError(error: unknown): MailServerError {
  if (error instanceof MailServerError) return error;
  if (error instanceof OAuthError) {
    return new MailServerError(error.isRefused ? 'UNAUTHORISED' : 'UNAVAILABLE', error.message, { cause: error });
  }
  if (error instanceof OutgoingError) {
    return new MailServerError('UNAVAILABLE', `The host of the server cannot be called: ${error.reason}.`, {
      cause: error,
    });
  }
  const { authenticationFailed, serverResponseCode, code } = error as ImapFlowError;
  // A server that is overloaded answers NO as well (RFC 5530).
  const isTransient = ['UNAVAILABLE', 'INUSE', 'LIMIT', 'SERVERBUG', 'CONTACTADMIN'].includes(serverResponseCode ?? '');
  if (authenticationFailed && !isTransient) {
    return new MailServerError('UNAUTHORISED', 'The server refuses the user or the credentials.', { cause: error });
  }
  if (typeof code === 'string' && /TIMEOUT|ETIMEDOUT|Timeout/.test(code)) {
    return new MailServerError('TIMEOUT', 'The server takes too long.', { cause: error });
  }
  const detail = typeof code === 'string' ? ` (${code})` : '';
  return new MailServerError('UNAVAILABLE', `The server is unreachable or ends the connection${detail}.`, {
    cause: error,
  });
}
