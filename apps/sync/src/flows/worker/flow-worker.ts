import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { MikroORM } from '@mikro-orm/postgresql';
import { LoopWorker, WorkerLoop } from '@rapport/platform';
import { idleMs } from '../../storage/due-work.js';
import { TenantLimit } from '../../webhooks/endpoints/tenant-limit.js';
import type { StepOutcome } from '../interpreter/interpret.js';
import { advanceRun } from './advance-run.js';
import { claimRuns, flowDelays, releaseRun, type ClaimedRun } from './claim-runs.js';
import { compensateRun } from './compensate-run.js';
import type { EngineParts } from './engine-parts.js';
import { countClaims, reportDelays } from './flow-metrics.js';
import { leavesNow } from './leave-now.js';
import { effectMs, performEffects } from './perform-effects.js';
import { RunsInFlight } from './runs-in-flight.js';

/** Interval between polls while runs are due, in milliseconds. Runs of this process and `DueWork` wake the worker. */
const lookEveryMs = 250;

/** Maximum number of concurrent transactions per tenant that advance runs: each takes a connection of the pool. */
const maxAdvancing = 4;

/** Delay of a due run from which `/readyz` reports it. */
const lateSeconds = 60;

/** Maximum duration of effects after the process is asked to stop, in milliseconds. */
const drainMs = 4_000;

/** Allowance of a claim besides the effects, in milliseconds. */
const leaseMarginMs = 20_000;

/** Advances the runs of all tenants, in each process. When one dies, its claims are due again at the end of their leases. */
export class FlowWorker extends LoopWorker {
  readonly #logger = new Logger('FlowWorker');
  protected readonly loop: WorkerLoop;
  readonly #leaseMs: number;
  readonly #cutOff = new AbortController();
  readonly #inFlight = new RunsInFlight();
  readonly #advancing = new TenantLimit(maxAdvancing);
  readonly #running = new Set<Promise<void>>();

  /** @param options `leaseMs`: how long a claim lasts after a transaction; `pollMs`: between polls when no run is due */
  constructor(
    private readonly orm: MikroORM,
    readonly parts: EngineParts,
    { leaseMs = effectMs + leaseMarginMs, pollMs = idleMs }: { leaseMs?: number; pollMs?: number } = {},
  ) {
    super();
    this.#leaseMs = leaseMs;
    this.loop = new WorkerLoop({
      pass: () => this.#claim(),
      intervalMs: pollMs,
      retryMs: lookEveryMs,
      onOutage: (error) => this.#logger.warn("Can't look for runs of flows.", error),
    });
  }

  /** @throws Error while a due run is late */
  async checkAge(): Promise<void> {
    const { runs } = await flowDelays(this.orm.em.fork());
    if (runs > lateSeconds) throw new Error(`A run of a flow has been due for ${runs} s.`);
  }

  override onApplicationBootstrap(): void {
    reportDelays(() => flowDelays(this.orm.em.fork()));
    super.onApplicationBootstrap();
  }

  override async onModuleDestroy(): Promise<void> {
    await super.onModuleDestroy();
    const drained = Promise.all(this.#running);
    await Promise.race([drained, delay(drainMs, undefined, { ref: false })]);
    this.#cutOff.abort();
    await drained;
  }

  /** @returns undefined when no run is due */
  async #claim(): Promise<number | undefined> {
    const { room } = this.#inFlight;
    if (room.total <= 0) return lookEveryMs;
    const claimed = await claimRuns(this.orm.em.fork(), room, this.#leaseMs);
    countClaims(claimed);
    for (const run of claimed) this.#run(run);
    return claimed.length > 0 ? lookEveryMs : undefined;
  }

  #run(claimed: ClaimedRun): void {
    this.#inFlight.begin(claimed);
    const run: Promise<void> = this.#follow(claimed)
      .then(
        // A run that has failed must not cause polls without a pause.
        () => this.wake(),
        (error: unknown) => this.#logger.warn(`Left the run ${claimed.runId} until its lease ends.`, error),
      )
      .finally(() => {
        this.#running.delete(run);
        this.#inFlight.end(claimed);
      });
    this.#running.add(run);
  }

  async #follow(claimed: ClaimedRun): Promise<void> {
    const [leaseMs, parts] = [this.#leaseMs, this.parts];
    const stopping = this.#cutOff.signal;
    let outcomes: StepOutcome[] | undefined;
    for (;;) {
      const known = outcomes;
      const next = await this.#advancing.run(claimed.tenantId, () =>
        advanceRun(this.orm.em.fork(), parts, claimed, { outcomes: known, leaseMs }),
      );
      if (next.next === 'LEAVE') return;
      if (next.next === 'UNDO') return compensateRun(this.orm.em.fork(), parts, claimed, { leaseMs, stopping });
      if (await leavesNow(this.orm.em.fork(), parts, next.owner)) return;
      outcomes = await performEffects(parts, next.owner, next.tokens, stopping);
      // What was cut off is performed again under its key, by another process.
      if (stopping.aborted && outcomes.length === 0) return releaseRun(this.orm.em.fork(), claimed);
    }
  }
}
