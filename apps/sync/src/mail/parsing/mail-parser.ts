import type { OnApplicationShutdown } from '@nestjs/common';
import { TenantThreads, ThreadEnded } from '@rapport/platform';
import type { ParsedContent } from './parse-mail.js';
import type { ParsingDone, ParsingJob } from './parsing-worker.js';

/** Time limit of a mail, in milliseconds, with its lookups of names. */
const timeoutMs = 30_000;

const maxThreads = 2;

/** Enough for the texts of a mail of 50 MiB. Its bytes are outside of this memory. */
const resourceLimits = { maxOldGenerationSizeMb: 384, maxYoungGenerationSizeMb: 32, stackSizeMb: 4 };

/** Why a mail cannot be parsed. */
export class UnreadableMail extends Error {
  override readonly name = 'UnreadableMail';

  constructor(
    readonly reason: 'PARSER_ENDED' | 'UNREADABLE',
    options?: ErrorOptions,
  ) {
    super(`The mail cannot be parsed: ${reason}.`, options);
  }
}

/** Parses mails in threads with bounded time and memory: no mail can block or end the process. */
export class MailParser implements OnApplicationShutdown {
  readonly #threads: TenantThreads<ParsingJob, ParsingDone>;

  constructor(limits: { timeoutMs?: number } = {}) {
    // A program is a bundle at the root of `dist`. Tests run the sources, and this thread from `dist`: Node loads no
    // sources that import others.
    const isSource = import.meta.filename.endsWith('.ts');
    const file = `${isSource ? '../../../dist' : '.'}/mail/parsing/parsing-worker.js`;
    const script = new URL(file, import.meta.url);
    this.#threads = new TenantThreads(script, { timeoutMs, maxThreads, resourceLimits, ...limits });
  }

  /** @throws UnreadableMail */
  async parse(tenantId: string, job: ParsingJob): Promise<ParsedContent> {
    try {
      const done = await this.#threads.ask(tenantId, job);
      if ('content' in done) return done.content;
    } catch (error) {
      if (!(error instanceof ThreadEnded)) throw error;
      throw new UnreadableMail('PARSER_ENDED', { cause: error });
    }
    throw new UnreadableMail('UNREADABLE');
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#threads.end();
  }
}
