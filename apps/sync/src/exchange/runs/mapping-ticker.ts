import { Logger } from '@nestjs/common';
import type { MikroORM } from '@mikro-orm/postgresql';
import { pipeline, settingStatement, withConnection } from '@rapport/persistence';
import { LoopWorker, WorkerLoop } from '@rapport/platform';
import type { ClientBase } from 'pg';
import { idleMs } from '../../storage/due-work.js';
import type { JobQueue } from '../../storage/job-queue.js';
import { queueAutomaticRuns } from './run-store.js';

/** Interval between polls after a failure, in milliseconds. */
const retryMs = 1_000;

/** The condition of `DueWork` for mappings. */
export const areMappingsDue = 'exists (select from mapping_schedule where due_time <= clock_timestamp())';

/** Queues runs of mappings that are due. Each due mapping is taken by one process. */
export class MappingTicker extends LoopWorker {
  readonly #logger = new Logger('MappingTicker');
  protected readonly loop: WorkerLoop;

  constructor(
    private readonly orm: MikroORM,
    private readonly jobs: JobQueue,
    intervalMs = idleMs,
  ) {
    super();
    this.loop = new WorkerLoop({
      pass: () => withConnection(this.orm.em.fork(), (client) => this.#queueDue(client)),
      intervalMs,
      retryMs,
      startsIdle: true,
      onOutage: (error) => this.#logger.warn('What is due could not be queued.', error),
    });
  }

  async #queueDue(client: ClientBase): Promise<void> {
    await client.query('begin');
    const { rows } = await client.query<{ mapping_id: string; tenant_id: string }>({
      name: 'take_due_mappings',
      // The end of the run sets the next due time. This one applies when the run never ends.
      text: `update mapping_schedule set due_time = clock_timestamp() + interval '1 minute'
        where mapping_id in (
          select mapping_id from mapping_schedule where due_time <= clock_timestamp()
          order by due_time limit 50 for update skip locked)
        returning mapping_id, tenant_id`,
    });
    for (const { mapping_id: mappingId, tenant_id: tenantId } of rows) {
      await pipeline(client, [settingStatement({ 'app.tenant_id': tenantId })]);
      await queueAutomaticRuns(client, this.jobs, tenantId, [mappingId]);
    }
    await client.query('commit');
  }
}
