import { Logger } from '@nestjs/common';
import type { MikroORM } from '@mikro-orm/postgresql';
import { LoopWorker, WorkerLoop } from '@rapport/platform';
import { signAuditHeads } from './audit-heads.js';
import type { AuditKeys } from './audit-keys.js';

/**
 * Signs the heads of chains that have grown, at intervals. It runs in every process of a service: a head that is
 * already signed is skipped.
 */
export class AuditHeadSigner extends LoopWorker {
  readonly #logger = new Logger('AuditHeadSigner');
  protected readonly loop: WorkerLoop;

  constructor(orm: MikroORM, keys: AuditKeys, intervalSeconds: number) {
    super();
    const em = orm.em.fork();
    this.loop = new WorkerLoop({
      pass: () => signAuditHeads(em.fork(), keys),
      intervalMs: intervalSeconds * 1_000,
      startsIdle: true,
      onOutage: (error) => this.#logger.warn('Heads were not signed; they will be later.', error),
    });
  }
}
