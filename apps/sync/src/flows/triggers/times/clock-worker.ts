import { Logger } from '@nestjs/common';
import type { MikroORM } from '@mikro-orm/postgresql';
import { withConnection } from '@rapport/persistence';
import { errorKind, LoopWorker, WorkerLoop } from '@rapport/platform';
import { idleMs } from '../../../storage/due-work.js';
import { activeFlows } from '../../definitions/active-flows.js';
import { changedTenants, dueClocks, lockClock, moveClock, setClocks, type DueClock } from './clock-row.js';
import { fireClock, type ClockParts } from './fire-times.js';

/** Interval between polls after a failure, in milliseconds. */
const lookAgainMs = 500;

/** Clocks and tenants per pass. */
const most = 50;

/** Clocks that are fired at once: each takes a connection of the pool. */
const maxFiring = 4;

/** Delay of a clock after a failure, in milliseconds. */
const retryMs = 10_000;

/** Starts runs of flows at recurring times, and when the times of records come. Each process takes clocks in turn. */
export class ClockWorker extends LoopWorker {
  readonly #logger = new Logger('ClockWorker');
  protected readonly loop = new WorkerLoop({
    pass: ({ signal }) => this.#pass(signal),
    intervalMs: idleMs,
    retryMs: lookAgainMs,
    onOutage: (error) => this.#logger.warn("Can't look for times of flows.", error),
  });

  /** @param onRuns called after runs may have been committed */
  constructor(
    private readonly orm: MikroORM,
    private readonly parts: ClockParts,
    private readonly onRuns: () => void,
  ) {
    super();
  }

  /** @returns 0 when there may be more to do */
  async #pass(stopping: AbortSignal): Promise<number | undefined> {
    const { changed, due } = await withConnection(this.orm.em.fork(), async (client) => ({
      changed: await changedTenants(client, most),
      due: await dueClocks(client, most),
    }));
    for (const tenantId of changed) {
      if (stopping.aborted) return undefined;
      await withConnection(this.orm.em.fork(), (client) => setClocks(client, tenantId));
    }
    const open = [...due];
    const fireNext = async (): Promise<void> => {
      for (let clock = open.shift(); clock && !stopping.aborted; clock = open.shift()) await this.#fire(clock);
    };
    await Promise.all(Array.from({ length: maxFiring }, fireNext));
    return changed.length + due.length > 0 ? 0 : undefined;
  }

  async #fire({ flowId, tenantId }: DueClock): Promise<void> {
    try {
      await withConnection(this.orm.em.fork(), async (client) => {
        await client.query('begin');
        const clock = await lockClock(client, flowId);
        const flow = clock && (await activeFlows(client, tenantId)).find((each) => each.flowId === flowId);
        // Without a flow, its clock goes when the clocks of the tenant are set.
        if (clock && flow) await fireClock(client, this.parts, clock, flow);
        else if (clock) await moveClock(client, flowId, { doneMs: clock.doneMs, dueMs: Date.now() + retryMs });
        await client.query('commit');
      });
      this.onRuns();
    } catch (error) {
      this.#logger.warn(`Times of the flow ${flowId} are delayed: ${errorKind(error)}.`);
      await withConnection(this.orm.em.fork(), (client) =>
        client.query(
          `update flow_clock set due_time = greatest(due_time, clock_timestamp() + make_interval(secs => $2 / 1000.0))
           where flow_id = $1`,
          [flowId, retryMs],
        ),
      );
    }
  }
}
