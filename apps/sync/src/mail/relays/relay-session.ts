import { Readable } from 'node:stream';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import XOAuth2 from 'nodemailer/lib/xoauth2';
import { cutText } from '@rapport/platform';

/** Limits of a connection, in milliseconds. RFC 5321 allows a server 10 minutes after the data; a claim lasts less. */
const limits = { connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 60_000 };

/** A server to connect to. */
export interface RelayServer {
  /** Its checked address. */
  address: string;
  /** Its name, which its certificate has. */
  host: string;
  port: number;
  security: 'STARTTLS' | 'TLS' | 'NONE';
  signIn?: { user: string; password: string } | { user: string; accessToken: string };
}

/** Why a relay cannot be used. */
export type RelayFault = 'ADDRESS_NOT_ALLOWED' | 'UNREACHABLE' | 'TLS_FAILED' | 'UNAUTHORISED' | 'REFUSED';

/** The error of a session that could not begin. Nothing was sent. */
export class RelayError extends Error {
  constructor(
    readonly reason: RelayFault,
    description: string,
    options?: ErrorOptions,
  ) {
    super(description, options);
  }
}

/** What a relay did with a message. */
export interface SendResult {
  /** DEFERRED and FAILED are certain: the relay has not accepted the message. */
  outcome: 'HANDED_OVER' | 'FAILED' | 'DEFERRED' | 'UNKNOWN';
  /** The last answer of the relay, or what happened to the connection. */
  response: string;
  /** Whether the session can take another message. */
  isUsable: boolean;
}

export interface SentEnvelope {
  /** Empty for `<>`. */
  from: string;
  to: readonly string[];
}

interface SmtpError extends Error {
  code?: string;
  /** Of the system, which nodemailer replaces by its own. */
  originalCode?: string;
  command?: string;
  response?: string;
  responseCode?: number;
}

/** A signed-in connection to a relay, for one message at a time. */
export class RelaySession {
  #isOpen = true;
  /** Fails what runs when the connection ends: some errors reach no callback. */
  #onEnd: ((error: SmtpError) => void) | undefined;
  count = 0;

  private constructor(private readonly connection: SMTPConnection) {
    // Errors between messages only end the session.
    connection.on('error', (error: SmtpError) => this.#end(error));
    connection.once('end', () => this.#end(endOf(connection)));
  }

  get isUsable(): boolean {
    return this.#isOpen;
  }

  /** @throws RelayError */
  static async open(server: RelayServer): Promise<RelaySession> {
    const { address, host, port, security, signIn } = server;
    const connection = new SMTPConnection({
      ...{ host: address, port, ...limits },
      secure: security === 'TLS',
      requireTLS: security === 'STARTTLS',
      ignoreTLS: security === 'NONE',
      servername: host,
    });
    const session = new RelaySession(connection);
    try {
      await session.#step((done) => connection.connect(done));
      if (signIn) await session.#step((done) => connection.login(authOf(signIn), done));
      return session;
    } catch (error) {
      session.close();
      throw faultOf(error as SmtpError);
    }
  }

  /** Hands over a message. It never throws: each outcome has a result. */
  async send({ from, to }: SentEnvelope, content: Buffer): Promise<SendResult> {
    this.count += 1;
    const { data, isSent } = watched(content);
    try {
      const info = await this.#step<SMTPConnection.SentMessageInfo>((done) =>
        this.connection.send({ from, to: [...to], size: content.length }, data, (error, sent) => done(error, sent)),
      );
      const refused = info.rejected.length > 0 ? ` Refused: ${info.rejected.join(', ')}.` : '';
      return { outcome: 'HANDED_OVER', response: `${info.response}${refused}`, isUsable: this.#isOpen };
    } catch (error) {
      data.destroy();
      return this.#resultOf(error as SmtpError, isSent());
    }
  }

  close(): void {
    this.#isOpen = false;
    this.connection.close();
  }

  #resultOf(error: SmtpError, isSent: boolean): SendResult {
    const response = error.response ?? error.message;
    const isAnswer = error.responseCode !== undefined && error.code !== 'ECONNECTION';
    if (!isAnswer) {
      const isInvalid = ['EENVELOPE', 'EMESSAGE', 'ESTREAM'].includes(error.code ?? '') && !isSent;
      // After the end of the data, only an answer shows whether the relay has the message.
      const outcome = isSent ? 'UNKNOWN' : isInvalid ? 'FAILED' : 'DEFERRED';
      if (!isInvalid) this.close();
      return { outcome, response, isUsable: this.#isOpen };
    }
    const outcome = (error.responseCode ?? 0) >= 500 ? 'FAILED' : 'DEFERRED';
    // RSET would also do, but refusals are rare, and a new session is certain to have no state.
    this.close();
    return { outcome, response, isUsable: false };
  }

  /** One callback of the connection, or its end. */
  #step<Result>(begin: (done: (error?: Error | null, result?: Result) => void) => void): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    this.#onEnd = reject;
    begin((error, result) => {
      if (error) reject(error);
      else resolve(result as Result);
    });
    return promise.finally(() => (this.#onEnd = undefined));
  }

  #end(error: SmtpError): void {
    this.#isOpen = false;
    this.#onEnd?.(error);
  }
}

/** Why a connection ended. After 421, nodemailer reports the end before the answer, which says that nothing was accepted. */
function endOf({ lastServerResponse: last }: SMTPConnection): SmtpError {
  const error: SmtpError = new Error('The connection ended.');
  return last && /^421[ -]/.test(last) ? Object.assign(error, { response: last, responseCode: 421 }) : error;
}

/** A stream of the content, and whether all of it was given to the connection: the end of the data follows at once. */
function watched(content: Buffer): { data: Readable; isSent: () => boolean } {
  let isSent = false;
  const data = new Readable({
    read() {
      this.push(content);
      this.push(null);
      isSent = true;
    },
  });
  return { data, isSent: () => isSent };
}

function authOf(signIn: NonNullable<RelayServer['signIn']>): SMTPConnection.AuthenticationType {
  if ('password' in signIn) return { credentials: { user: signIn.user, pass: signIn.password } };
  const { user, accessToken } = signIn;
  return { type: 'OAUTH2', user, method: 'XOAUTH2', oauth2: new XOAuth2({ user, accessToken }) };
}

function faultOf(error: SmtpError): RelayError {
  const description = cutText(error.response ?? error.message, 500);
  const options = { cause: error };
  if (error.code === 'EAUTH') {
    // RFC 4954: 4yz is a failure of the moment.
    const isTransient = (error.responseCode ?? 0) >= 400 && (error.responseCode ?? 0) < 500;
    return new RelayError(isTransient ? 'REFUSED' : 'UNAUTHORISED', description, options);
  }
  if (error.code === 'ETLS' || /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_|SELF_SIGNED|UNABLE_TO)/.test(error.originalCode ?? '')) {
    return new RelayError('TLS_FAILED', description, options);
  }
  if (error.responseCode !== undefined) return new RelayError('REFUSED', description, options);
  return new RelayError('UNREACHABLE', description, options);
}
