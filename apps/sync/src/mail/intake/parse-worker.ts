import { Logger } from '@nestjs/common';
import type { MikroORM } from '@mikro-orm/postgresql';
import type { UnparsedMessage } from '@rapport/contracts/rapport/content/v1/mail_intake_service';
import { tenantSession } from '@rapport/persistence';
import { AppError, errorKind, LoopWorker, WorkerLoop } from '@rapport/platform';
import { IdlePace } from '../idle-pace.js';
import { Mailbox } from '../mailboxes/mailbox.entity.js';
import { UnreadableMail, type MailParser } from '../parsing/mail-parser.js';
import type { UnparsedMail } from './unparsed-mail.js';

/** Interval between attempts while customers or auth is away, in milliseconds. */
const retryMs = 2_000;

/** Mails of a tenant that are read and filed at once. One at a time is parsed. */
const maxOpen = 2;

/** Mails of a tenant that are claimed at once. Each pass gives every tenant a turn. */
const claimed = 4;

/** A mail that was leased more often ends processes, or is refused by customers for ever. */
const maxAttempts = 10;

/** Parses the stored mails of all tenants, in each process. A mail that cannot be parsed goes into quarantine. */
export class ParseWorker extends LoopWorker {
  readonly #logger = new Logger('ParseWorker');
  readonly #pace = new IdlePace();
  /** Mails by tenant that were not filed because a process of the platform was away: their attempts do not count. */
  readonly #returned = new Map<string, string[]>();
  protected readonly loop = new WorkerLoop({
    pass: ({ signal }) => this.#pass(signal),
    intervalMs: retryMs,
    onOutage: (error) => this.#logger.warn("Can't look for mails.", error),
  });

  constructor(
    private readonly orm: MikroORM,
    private readonly mails: Pick<UnparsedMail, 'tenants' | 'claim' | 'raw' | 'file' | 'reject'>,
    private readonly parser: Pick<MailParser, 'parse'>,
  ) {
    super();
  }

  /** @returns 0 when there may be more */
  async #pass(stopping: AbortSignal): Promise<number | undefined> {
    let parsed = 0;
    for (const tenantId of new Set([...this.#returned.keys(), ...(await this.mails.tenants())])) {
      if (stopping.aborted) return undefined;
      const open = await this.mails.claim(tenantId, claimed, this.#returned.get(tenantId) ?? []);
      this.#returned.delete(tenantId);
      parsed += open.length;
      // A mail can name the one before it, which it would not find while that one is parsed.
      let before: Promise<void> = Promise.resolve();
      const parseNext = async (): Promise<void> => {
        for (let mail = open.shift(); mail && !stopping.aborted; mail = open.shift()) {
          before = this.#file(tenantId, mail, before);
          await before;
        }
      };
      await Promise.all(Array.from({ length: maxOpen }, parseNext));
    }
    if (this.#returned.size > 0) return retryMs;
    return parsed > 0 ? 0 : this.#pace.after({ isBusy: false });
  }

  /** Files a mail once the one before it is filed, or is not going to be. */
  async #file(tenantId: string, mail: UnparsedMessage, before: Promise<void>): Promise<void> {
    try {
      if (mail.attempts > maxAttempts) return await this.mails.reject(tenantId, mail.messageId, 'PARSER_ENDED');
      const content = await this.parser.parse(tenantId, {
        raw: await this.mails.raw(tenantId, mail.messageId),
        ownDomains: mail.ownDomains,
        authservId: await this.#authservId(tenantId, mail.mailboxId),
        envelope: mail.envelope,
      });
      await Promise.allSettled([before]);
      await this.mails.file(tenantId, mail.messageId, content);
    } catch (error) {
      if (error instanceof UnreadableMail) return this.mails.reject(tenantId, mail.messageId, error.reason);
      if (error instanceof AppError && error.code === 'INVALID_ARGUMENT') {
        this.#logger.warn(`The message ${mail.messageId} is refused: ${error.reason}.`);
        return this.mails.reject(tenantId, mail.messageId, 'REFUSED');
      }
      // Otherwise its lease ends, and another process parses it.
      if (isAway(error)) this.#returned.set(tenantId, [...(this.#returned.get(tenantId) ?? []), mail.messageId]);
      this.#logger.warn(`The message ${mail.messageId} is parsed later: ${errorKind(error)}.`);
    }
  }

  async #authservId(tenantId: string, id: string): Promise<string | undefined> {
    const em = this.orm.em.fork({ session: tenantSession(tenantId) });
    const mailbox = await em.findOne(Mailbox, { tenantId, id }, { fields: ['authservId'] });
    return mailbox?.authservId ?? undefined;
  }
}

/** Whether a process of the platform was away, so that no other attempt would have been better. */
function isAway(error: unknown): boolean {
  return error instanceof AppError && (error.code === 'UNAVAILABLE' || error.code === 'DEADLINE_EXCEEDED');
}
