import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError } from '@rapport/platform';
import { createTransport } from 'nodemailer';

export interface Mail {
  to: string;
  subject: string;
  /** Plain text. */
  text: string;
}

export interface MailOptions {
  /** `smtp://` or `smtps://` with user and password, or the `file://` URL of a folder, for development. */
  mailUrl: string;
  /** Sender, such as `Rapport <no-reply@example.com>`. */
  mailFrom: string;
}

/** Timeouts of the connection to the mail server, in milliseconds. */
const limits = { connectionTimeout: 3_000, greetingTimeout: 3_000, socketTimeout: 5_000 };

/** Sends mails to users. */
export class Mailer {
  readonly #deliver: (mail: Mail & { from: string }) => Promise<unknown>;

  constructor(private readonly options: MailOptions) {
    const url = new URL(options.mailUrl);
    this.#deliver = url.protocol === 'file:' ? toFolder(fileURLToPath(url)) : bySmtp(url);
  }

  /** @throws AppError UNAVAILABLE MAIL_NOT_SENT */
  async send(mail: Mail): Promise<void> {
    try {
      await this.#deliver({ ...mail, from: this.options.mailFrom });
    } catch (cause) {
      throw new AppError('UNAVAILABLE', 'MAIL_NOT_SENT', 'The mail could not be sent. Try again later.', {
        cause,
        retryAfterSeconds: 30,
      });
    }
  }
}

function bySmtp(url: URL) {
  const transport = createTransport({
    host: url.hostname,
    port: Number(url.port) || (url.protocol === 'smtps:' ? 465 : 587),
    secure: url.protocol === 'smtps:',
    ...(url.username && {
      auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) },
      // The password is never sent without TLS.
      requireTLS: url.protocol === 'smtp:',
    }),
    ...limits,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return (mail: Mail & { from: string }) => transport.sendMail(mail);
}

/** Writes each mail to a text file that only its owner can read, since mails contain tokens. */
function toFolder(folder: string) {
  return async ({ from, to, subject, text }: Mail & { from: string }) => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const content = `From: ${from}\nTo: ${to}\nSubject: ${subject}\n\n${text}`;
    await writeFile(join(folder, `${Date.now()}-${randomUUID()}.txt`), content, { mode: 0o600 });
  };
}
