import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { MikroORM } from '@mikro-orm/postgresql';
import { dayAt, startOfDayMs } from '@rapport/contracts/filters';
import { tenantSession } from '@rapport/persistence';
import { WorkerLoop } from '@rapport/platform';
import { loggedSince } from '../compute-forecast.js';
import { forecastSettings } from '../forecast-settings.js';
import { takeSnapshot } from './take-snapshot.js';

/** The principal of nightly snapshots. */
const principalId = 'system:forecasts';

/** How long a process has for a snapshot before another one takes it. */
const leaseSeconds = 300;

/**
 * Takes the snapshot of each workspace as of its last midnight. Each process looks for those that are due; a snapshot that is late has the
 * numbers of midnight too, which the change log gives. There is one for each night, whichever process takes it.
 */
export class SnapshotWorker implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger = new Logger('SnapshotWorker');
  readonly #loop: WorkerLoop;

  constructor(
    private readonly orm: MikroORM,
    intervalMs: number,
  ) {
    this.#loop = new WorkerLoop({
      pass: () => this.#takeDue(),
      intervalMs,
      startsIdle: true,
      onOutage: (error) => this.#logger.warn('Forecast snapshots were not taken; they will be later.', error),
    });
  }

  /** @param intervalMs interval at which due snapshots are looked for */
  static every(intervalMs: number): (orm: MikroORM) => SnapshotWorker {
    return (orm) => new SnapshotWorker(orm, intervalMs);
  }

  onApplicationBootstrap(): void {
    this.#loop.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.#loop.stop();
  }

  async #takeDue(): Promise<void> {
    while (!this.#loop.signal.aborted) {
      const [due] = await this.orm.em.fork().execute<{ tenant_id: string }[]>(
        `update forecast_schedule set due_time = now() + interval '${leaseSeconds} seconds' where tenant_id = (
           select tenant_id from forecast_schedule where due_time <= now() order by due_time limit 1 for update skip locked
         ) returning tenant_id`,
      );
      if (!due) return;
      await this.takeNightly(due.tenant_id, new Date());
    }
  }

  /** Takes the snapshot of the midnight before a time, unless there is one, and schedules the next. */
  async takeNightly(tenantId: string, now: Date): Promise<void> {
    const em = this.orm.em.fork({ session: tenantSession(tenantId) });
    const { timeZone } = await forecastSettings(em, tenantId, undefined);
    const today = dayAt(now, timeZone);
    const asOf = new Date(startOfDayMs(today, timeZone));
    // The log begins with the database, and a workspace that is younger than midnight has all of its changes in it.
    if ((await loggedSince(em)) <= asOf) {
      await em.transactional((transaction) =>
        takeSnapshot(transaction, { tenantId, principalId, asOf, isNightly: true }),
      );
    }
    const tomorrow = new Date(Date.parse(today) + 86_400_000).toISOString().slice(0, 10);
    await em.execute('update forecast_schedule set due_time = ? where tenant_id = ?', [
      new Date(startOfDayMs(tomorrow, timeZone)).toISOString(),
      tenantId,
    ]);
  }
}
