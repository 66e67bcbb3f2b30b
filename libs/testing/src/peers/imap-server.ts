/** A running IMAP server on 127.0.0.1, without TLS. Every user exists, with the same password. */
export interface ImapServer {
  port: number;
  password: string;
  /** Gives all mails of a user's INBOX new UIDs, under another UIDVALIDITY, as a restored server does. */
  renumber(user: string): Promise<void>;
  /** Ends the server at once. */
  kill(): Promise<void>;
  /** Restarts a killed server on its port, with its mails. */
  start(): Promise<void>;
  stop(): Promise<void>;
}
