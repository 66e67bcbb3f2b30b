import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { SMTPServer, type SMTPServerOptions, type SMTPServerSession } from 'smtp-server';

/** Where a relay can refuse, or cut the connection. CONTENT is amid a message, DOT after all of it and before the answer. */
export type RelayMoment = 'CONNECT' | 'EHLO' | 'AUTH' | 'MAIL' | 'RCPT' | 'DATA' | 'CONTENT' | 'DOT';

/** What a relay does at a moment: it ends the connection without an answer, or answers with an error. */
export type RelayAct = 'CUT' | { code: number; text: string };

/** A mail whose content has arrived as a whole. */
export interface ReceivedMail {
  /** Sender of the envelope; empty for `<>`. */
  from: string;
  to: string[];
  content: string;
  /** False if the relay has cut the connection in place of an answer, or refused it. */
  isAccepted: boolean;
}

export interface ScriptedRelayOptions {
  /** PEM; without it, the server has no STARTTLS. */
  tls?: { key: string; cert: string };
  /** True for TLS from the start. */
  secure?: boolean;
  /** Passwords or access tokens by user. Without it, clients do not sign in. */
  users?: Readonly<Record<string, string>>;
}

/** An SMTP server of tests on 127.0.0.1. It stores mails, and does what its script says. */
export class ScriptedRelay {
  readonly received: ReceivedMail[] = [];
  /** Called at each moment of each connection. Returns undefined to go on. */
  script: (moment: RelayMoment, mail: { from: string; to: readonly string[] }) => RelayAct | undefined = () =>
    undefined;
  /** Number of connections that were accepted. */
  connections = 0;
  readonly #server: SMTPServer;

  private constructor({ tls, secure, users }: ScriptedRelayOptions) {
    const signsIn = users !== undefined;
    const options: SMTPServerOptions = {
      ...(tls && { ...tls, ...(secure !== undefined && { secure }) }),
      disabledCommands: [...(tls ? [] : ['STARTTLS']), ...(signsIn ? [] : ['AUTH'])],
      authOptional: !signsIn,
      authMethods: ['PLAIN', 'XOAUTH2'],
      disableReverseLookup: true,
      closeTimeout: 100,
      onConnect: (session, done) => this.#connected(session, done),
      onAuth: ({ username = '', password, accessToken }, session, done) => {
        const isKnown = signsIn && users[username] === (password ?? accessToken);
        this.#meet('AUTH', session, (error) => {
          if (error) done(error);
          else if (isKnown) done(null, { user: username });
          else done(smtpError({ code: 535, text: '5.7.8 Wrong credentials' }));
        });
      },
      onMailFrom: ({ address }, session, done) => this.#meet('MAIL', session, done, { from: address }),
      onRcptTo: ({ address }, session, done) => this.#meet('RCPT', session, done, { to: [address] }),
      onData: (stream, session, done) => {
        const pieces: Buffer[] = [];
        let isCut = false;
        stream.on('data', (piece: Buffer) => {
          if (pieces.length === 0) isCut = this.#acts('CONTENT', session) !== undefined;
          if (isCut) this.#cut(session);
          pieces.push(piece);
        });
        stream.on('end', () => {
          if (isCut) return;
          const act = this.#acts('DOT', session);
          this.received.push({
            ...envelopeOf(session),
            content: Buffer.concat(pieces).toString(),
            isAccepted: act === undefined,
          });
          if (act === 'CUT') this.#cut(session);
          else done(act && smtpError(act));
        });
      },
    };
    this.#server = new SMTPServer(options);
    // A connection that a test cuts.
    this.#server.on('error', () => undefined);
  }

  static async start(options: ScriptedRelayOptions = {}): Promise<ScriptedRelay> {
    const relay = new ScriptedRelay(options);
    await once(relay.#server.listen(0, '127.0.0.1'), 'listening');
    return relay;
  }

  get port(): number {
    return (this.#server.server.address() as AddressInfo).port;
  }

  /** Mails that were accepted, by their Message-ID. */
  get accepted(): ReceivedMail[] {
    return this.received.filter(({ isAccepted }) => isAccepted);
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #connected(session: SMTPServerSession, done: (error?: Error | null) => void): void {
    this.connections += 1;
    // Commands without a hook of smtp-server.
    this.#socketOf(session)?.prependListener('data', (piece: Buffer) => {
      // A client may send several commands at once (RFC 2920).
      const verb = /^(?:EHLO|HELO|DATA)\b/im.exec(piece.toString('latin1'))?.[0].toUpperCase();
      const moment = verb === 'DATA' ? 'DATA' : verb && 'EHLO';
      if (moment && this.#acts(moment, session) === 'CUT') this.#cut(session);
    });
    this.#meet('CONNECT', session, done);
  }

  #meet(
    moment: RelayMoment,
    session: SMTPServerSession,
    done: (error?: Error | null) => void,
    now: { from?: string; to?: string[] } = {},
  ): void {
    const act = this.script(moment, { ...envelopeOf(session), ...now });
    if (act === 'CUT') this.#cut(session);
    else done(act && smtpError(act));
  }

  #acts(moment: RelayMoment, session: SMTPServerSession): RelayAct | undefined {
    return this.script(moment, envelopeOf(session));
  }

  #cut(session: SMTPServerSession): void {
    this.#socketOf(session)?.destroy();
  }

  /** smtp-server does not offer the socket of a session. */
  #socketOf({ id }: SMTPServerSession): Socket | undefined {
    const connections = [...this.#server.connections] as { id: string; _socket: Socket }[];
    return connections.find((each) => each.id === id)?._socket;
  }
}

function envelopeOf({ envelope }: SMTPServerSession): { from: string; to: string[] } {
  const from = envelope.mailFrom ? envelope.mailFrom.address : '';
  return { from, to: envelope.rcptTo.map(({ address }) => address) };
}

function smtpError({ code, text }: { code: number; text: string }): Error {
  return Object.assign(new Error(text), { responseCode: code });
}
