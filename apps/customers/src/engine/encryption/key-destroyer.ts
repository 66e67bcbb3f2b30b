import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import { WorkerLoop } from '@rapport/platform';
import { Sealing } from '../sealing/sealing.js';

/** Intervals in milliseconds at which keys are retried that a crashed process or a failure left behind. */
const pollMs = { busy: 2_000, quiet: 10_000 };

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
    if (!keys) return undefined;
    const em = this.orm.em.fork();
    const due = await em.execute<Due[]>(
      'select tenant_id, customer_id, last_generation from key_destruction limit 1000',
    );
    for (const { tenant_id, customer_id, last_generation } of due) {
      await keys.destroy(tenant_id, customer_id, last_generation);
      await em.execute('delete from key_destruction where tenant_id = ? and customer_id = ? and last_generation = ?', [
        tenant_id,
        customer_id,
        last_generation,
      ]);
    }
    return due.length > 0 ? pollMs.busy : undefined;
  }
}
