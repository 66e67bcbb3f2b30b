import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { MikroORM, type EntityManager } from '@mikro-orm/postgresql';
import { WorkerLoop } from '@rapport/platform';
import { Sealing } from '../sealing/sealing.js';
import type { SubjectKeys } from '../sealing/subject-keys.js';

/** Intervals in milliseconds at which keys are retried that a crashed process or a failure left behind. */
const pollMs = { busy: 2_000, quiet: 10_000 };

/** Most keys that one transaction destroys. */
const batchSize = 100;

interface Due {
  tenant_id: string;
  customer_id: string;
  last_generation: number;
}

/** Destroys the keys of erased records. An erasure triggers it at once, and a timer retries what failed. */
@Injectable()
export class KeyDestroyer implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger = new Logger('KeyDestroyer');
  readonly #loop = new WorkerLoop({
    pass: () => this.#destroyDue(),
    intervalMs: pollMs.busy,
    quietIntervalMs: pollMs.quiet,
    onOutage: (error) => this.#logger.warn('Keys of erased customers are still to be destroyed.', error),
  });

  constructor(
    private readonly orm: MikroORM,
    private readonly sealing: Sealing,
  ) {}

  onApplicationBootstrap(): void {
    if (this.sealing.keys) this.#loop.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.#loop.stop();
  }

  /** Destroys up to 1,000 keys that are due. Keys that cannot be destroyed now stay due. */
  async destroyDue(): Promise<void> {
    await this.#destroyDue().catch((error: unknown) => this.#loop.failed(error));
  }

  /** @returns undefined when none was due */
  async #destroyDue(): Promise<number | undefined> {
    const { keys } = this.sealing;
    const em = this.orm.em.fork();
    if (!keys || (await em.execute<object[]>('select 1 from key_destruction limit 1')).length === 0) return undefined;
    let some = batchSize;
    for (let count = 0; some === batchSize && count < 1_000; count += some) some = await destroyDueKeys(em, keys);
    return pollMs.busy;
  }
}

/**
 * Destroys some keys that are due. The rows stay locked until the keys are destroyed, so once a row is gone, no process
 * is about to destroy a newer key of its subject.
 *
 * @param tenantId only keys of this tenant
 * @returns how many were due
 */
export function destroyDueKeys(em: EntityManager, keys: SubjectKeys, tenantId?: string): Promise<number> {
  return em.transactional(async (transaction) => {
    const due = await transaction.execute<Due[]>(
      `select tenant_id, customer_id, last_generation from key_destruction
       where ?::uuid is null or tenant_id = ? order by tenant_id, customer_id limit ${batchSize} for update`,
      [tenantId ?? null, tenantId ?? null],
    );
    for (const { tenant_id, customer_id, last_generation } of due) {
      await keys.destroy(tenant_id, customer_id, last_generation);
      await transaction.execute('delete from key_destruction where tenant_id = ? and customer_id = ?', [
        tenant_id,
        customer_id,
      ]);
    }
    return due.length;
  });
}
