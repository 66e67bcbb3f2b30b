import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { signAuditHeads } from './audit-heads.js';
import type { AuditKeys } from './audit-keys.js';

/** Signs the heads of chains that have grown, at intervals. Every process of a service does: what is signed is not again. */
export class AuditHeadSigner implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger = new Logger('AuditHeadSigner');
  readonly #em: EntityManager;
  #timer: NodeJS.Timeout | undefined;
  #signing: Promise<void> = Promise.resolve();

  constructor(
    orm: MikroORM,
    private readonly keys: AuditKeys,
    private readonly intervalSeconds: number,
  ) {
    this.#em = orm.em.fork();
  }

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => {
      this.#signing = this.#signing.then(() => this.#sign());
    }, this.intervalSeconds * 1_000).unref();
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.#timer);
    await this.#signing;
  }

  async #sign(): Promise<void> {
    await signAuditHeads(this.#em.fork(), this.keys).catch((error: unknown) =>
      this.#logger.warn(`Heads were not signed; they will be later: ${String(error)}`),
    );
  }
}
