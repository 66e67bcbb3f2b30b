import { Logger } from '@nestjs/common';
import type { MikroORM } from '@mikro-orm/postgresql';
import { withConnection } from '@rapport/persistence';
import { LoopWorker, WorkerLoop } from '@rapport/platform';

/** Intervals between polls, in milliseconds: while work is found, and at most. */
const lookEveryMs = { busy: 250, quiet: 750 };

/** Interval between polls of an idle worker that `DueWork` wakes, in milliseconds: in case that its own polls fail. */
export const idleMs = 30_000;

/** Work that becomes due with time, or that other processes cause. */
export interface DueWorkKind {
  /** An SQL condition that is true while there is some, without parameters. An index answers it. */
  condition: string;
  worker: {
    /** @returns false when the worker polls by itself */
    wakeIfIdle: () => boolean;
  };
}

/**
 * Polls for the work of all idle workers of the process, in one statement, and wakes those that have some. What this process causes
 * wakes its workers directly.
 */
export class DueWork extends LoopWorker {
  readonly #logger = new Logger('DueWork');
  protected readonly loop = new WorkerLoop({
    pass: () => this.#look(),
    intervalMs: lookEveryMs.busy,
    quietIntervalMs: lookEveryMs.quiet,
    onOutage: (error) => this.#logger.warn("Can't look for due work.", error),
  });

  constructor(
    private readonly orm: MikroORM,
    private readonly kinds: readonly DueWorkKind[],
  ) {
    super();
  }

  /** @returns undefined when no idle worker has work */
  async #look(): Promise<number | undefined> {
    const { rows } = await withConnection(this.orm.em.fork(), (client) =>
      client.query<boolean[]>({
        name: 'due_work',
        text: `select ${this.kinds.map(({ condition }) => `(${condition})`).join(', ')}`,
        rowMode: 'array',
      }),
    );
    const woken = this.kinds.filter(({ worker }, place) => rows[0]?.[place] === true && worker.wakeIfIdle());
    return woken.length > 0 ? lookEveryMs.busy : undefined;
  }
}
