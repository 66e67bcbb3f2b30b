import { Logger } from '@nestjs/common';
import type { MikroORM } from '@mikro-orm/postgresql';
import { readForTenant, tenantSession } from '@rapport/persistence';
import { errorKind, metrics, LoopWorker, WorkerLoop } from '@rapport/platform';
import { Gauge } from 'prom-client';
import { idleMs } from '../../storage/due-work.js';
import { EffectError } from '../effects/effect-port.js';
import type { RecordCalls } from '../effects/record-calls.js';
import type { FlowCustomers } from '../enrollments/flow-customers.js';
import type { FlowWorker } from '../worker/flow-worker.js';
import { endBackfill } from './cancel-backfill.js';
import { claimBackfills, standingSeconds, untilDueMs, type BackfillJob } from './claim-backfills.js';
import { followBackfill } from './follow-backfill.js';
import { readMembers, startMembers, type PageOwner } from './segment-members.js';

/** Backfills per pass: each takes a connection of the pool. */
const most = 4;

/** Interval between polls after a failure, in milliseconds. */
const retryMs = 250;

/** How long a claim lasts, in milliseconds: after a failure, the backfill is due again then. */
const leaseMs = 20_000;

/** Longest wait for a backfill that is due soon, in milliseconds. Later ones are left to `DueWork`. */
const soonMs = 1_000;

/** Reads how long a backfill has started no run. */
let standing: (() => Promise<number>) | undefined;

new Gauge({
  name: 'rapport_flow_backfill_standing_seconds',
  help: 'Time since a backfill with runs to start has started one, of the backfill for which it is longest.',
  registers: [metrics],
  async collect() {
    // NaN while the database is down.
    this.set((await standing?.().catch(() => undefined)) ?? Number.NaN);
  },
});

/** Starts the runs of backfills of all tenants, in each process. */
export class BackfillWorker extends LoopWorker {
  readonly #logger = new Logger('BackfillWorker');
  protected readonly loop = new WorkerLoop({
    pass: () => this.#pass(),
    intervalMs: idleMs,
    retryMs,
    onOutage: (error) => this.#logger.warn("Can't look for backfills of flows.", error),
  });

  constructor(
    private readonly orm: MikroORM,
    private readonly runs: FlowWorker,
    private readonly reading: { calls: RecordCalls; customers: FlowCustomers },
  ) {
    super();
  }

  override onApplicationBootstrap(): void {
    standing = () => standingSeconds(this.orm.em.fork());
    super.onApplicationBootstrap();
  }

  /** @returns undefined when no backfill is due soon */
  async #pass(): Promise<number | undefined> {
    const jobs = await claimBackfills(this.orm.em.fork(), most, leaseMs);
    await Promise.all(jobs.map((job) => this.#turn(job)));
    const nextMs = await untilDueMs(this.orm.em.fork());
    return nextMs !== undefined && nextMs < soonMs ? nextMs : undefined;
  }

  async #turn(job: BackfillJob): Promise<void> {
    try {
      const after = await followBackfill(this.orm.em.fork(), job);
      const hasStarted = 'page' in after ? await this.#startPage(job, after.page) : after.hasStarted;
      if (hasStarted) this.runs.wake();
    } catch (error) {
      this.#logger.warn(`The backfill ${job.backfillId} is delayed: ${errorKind(error)}.`);
    }
  }

  async #startPage(job: BackfillJob, wanted: { pageToken: string | null; pageSize: number }): Promise<boolean> {
    const { tenantId, backfillId } = job;
    const [owner] = await readForTenant<PageOwner>(this.orm.em.fork({ session: tenantSession(tenantId) }), {
      name: 'owner_of_flow_backfill',
      sql: `select segment_id as "segmentId", created_by as "principalId" from flow_backfill
        where tenant_id = $1 and id = $2`,
      values: [tenantId, backfillId],
    });
    if (!owner) return false;
    try {
      const page = await readMembers(this.reading, job, owner, wanted);
      return await startMembers(this.orm.em.fork(), this.runs.parts, job, page);
    } catch (error) {
      if (!(error instanceof EffectError) || error.kind === 'PASSING') throw error;
      this.#logger.warn(`The backfill ${backfillId} can not read its segment: ${error.code}.`);
      await endBackfill(this.orm.em.fork(), job, 'SEGMENT_UNREADABLE');
      return false;
    }
  }
}
