import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { tenantSession } from '@rapport/persistence';
import { WorkerLoop } from '@rapport/platform';

/** Interval, in milliseconds. */
const intervalMs = 600_000;

/** A maintenance task for a tenant. Concurrent processes share the work or wait for each other. */
export type Chore = (em: EntityManager, tenantId: string) => Promise<void>;

/** Maintenance of each tenant with endpoints, connections or runs of flows, at the start of a process and periodically. */
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
    const tenants = await this.orm.em.fork().execute<{ tenant_id: string }[]>(
      `select tenant_id from webhook_tenant union select tenant_id from connection_tenant
         union select tenant_id from flow_run_tenant union select tenant_id from flow_tenant`,
    );
    for (const { tenant_id: tenantId } of tenants) {
      for (const chore of this.chores) {
        if (signal.aborted) return;
        // A failure for one tenant does not affect the others.
        await chore(this.orm.em.fork({ session: tenantSession(tenantId) }), tenantId).catch((error: unknown) =>
          this.#logger.warn(`The tenant ${tenantId} could not be maintained.`, error),
        );
      }
    }
  }
}
