import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { tenantSession } from '@rapport/persistence';
import { WorkerLoop } from '@rapport/platform';

/** How often it is due, in milliseconds. */
const intervalMs = 600_000;

/** What is done for a tenant. Processes that do it at the same time share the work or wait for each other. */
export type Chore = (em: EntityManager, tenantId: string) => Promise<void>;

/** What is due for each tenant with endpoints or connections when a process starts, and from time to time. */
export class Upkeep implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger = new Logger('Upkeep');
  readonly #loop = new WorkerLoop({
    pass: ({ signal }) => this.#doAll(signal),
    intervalMs,
    onOutage: (error) => this.#logger.warn('Nothing was looked after.', error),
  });

  constructor(
    private readonly orm: MikroORM,
    private readonly chores: readonly Chore[],
  ) {}

  onApplicationBootstrap(): void {
    this.#loop.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.#loop.stop();
  }

  async #doAll(signal: AbortSignal): Promise<void> {
    const tenants = await this.orm.em
      .fork()
      .execute<{ tenant_id: string }[]>(
        'select tenant_id from webhook_tenant union select tenant_id from connection_tenant',
      );
    for (const { tenant_id: tenantId } of tenants) {
      for (const chore of this.chores) {
        if (signal.aborted) return;
        // What goes wrong for one tenant keeps nothing from the others.
        await chore(this.orm.em.fork({ session: tenantSession(tenantId) }), tenantId).catch((error: unknown) =>
          this.#logger.warn(`The tenant ${tenantId} was not looked after.`, error),
        );
      }
    }
  }
}
