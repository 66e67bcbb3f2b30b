import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { MikroORM } from '@mikro-orm/postgresql';
import { pipeline, settingStatement, withConnection } from '@rapport/persistence';

/** How often old rows are looked for, in milliseconds. */
const intervalMs = 600_000;

/** Most rows that one statement deletes: none holds locks for long. */
const batchSize = 2_000;

/** Deletes deliveries, and the events that they tell of a day later, when they are older than they have to be kept. */
export class ExpiredEvents implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger = new Logger('ExpiredEvents');
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(
    private readonly orm: MikroORM,
    private readonly retentionDays: number,
  ) {}

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => {
      this.#running = this.clear().catch((error: unknown) =>
        this.#logger.warn('Old deliveries were not cleared.', error),
      );
    }, intervalMs).unref();
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  /** Deletes all that are too old. Processes that do so at the same time share the work. */
  async clear(): Promise<void> {
    const tenants = await this.orm.em.fork().execute<{ tenant_id: string }[]>('select tenant_id from webhook_tenant');
    for (const { tenant_id: tenantId } of tenants) {
      await this.#clearTable(tenantId, 'webhook_delivery', this.retentionDays);
      await this.#clearTable(tenantId, 'webhook_event', this.retentionDays + 1);
    }
  }

  async #clearTable(tenantId: string, table: 'webhook_delivery' | 'webhook_event', days: number): Promise<void> {
    let deleted: number;
    do {
      const [, result] = await withConnection(this.orm.em.fork(), (client) =>
        pipeline(client, [
          settingStatement({ 'app.tenant_id': tenantId }),
          {
            sql: `delete from ${table} where ctid = any (array(
                select ctid from ${table} where tenant_id = $1 and create_time < now() - make_interval(days => $2)
                limit ${batchSize} for update skip locked))`,
            values: [tenantId, days],
          },
        ]),
      );
      deleted = result?.rowCount ?? 0;
    } while (deleted === batchSize);
  }
}
