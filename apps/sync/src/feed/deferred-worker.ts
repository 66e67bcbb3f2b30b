import { Logger } from '@nestjs/common';
import type { MikroORM } from '@mikro-orm/postgresql';
import { pipeline, settingStatement, withConnection } from '@rapport/persistence';
import { errorKind, LoopWorker, WorkerLoop } from '@rapport/platform';
import { idleMs } from '../storage/due-work.js';
import { TooManyDeliveriesError } from '../webhooks/events/record-events.js';
import { noteFailure, removeDeferred, takeDeferred, waitingTenants } from './deferred-changes.js';
import { countTaken, reportDeferred, type DeferredState } from './feed-metrics.js';
import { isBlocked, isTransient } from './transient-errors.js';
import { lockTimeoutMs } from './take-changes.js';
import { interestsIn, takeOfTenant, type Taken, type TakingParts } from './tenant-changes.js';

/** Interval between turns of waiting tenants, in milliseconds. */
const lookEveryMs = 500;

/** Limits of a tenant's turn. */
const turn = { changes: 100, bytes: 1024 * 1024, deliveries: 5_000 };

/** Growing delays of a tenant after failures, in milliseconds. */
const waitMs = { first: 250, most: 5_000 };

/** Attempts of a single change and the delay between them in milliseconds, in case that the change is not the cause. */
const mostFailures = 3;
const failedWaitMs = 2_000;

/** State of a tenant's next turn. */
interface Pace {
  changes: number;
  /** Number of changes after which the batch size may grow again. */
  left: number;
  notBeforeMs: number;
  waitMs: number;
}

/**
 * Processes deferred changes, of each tenant in turn and in order. A change that fails repeatedly goes into quarantine,
 * and the changes behind it proceed.
 */
export class DeferredWorker extends LoopWorker {
  readonly #logger = new Logger('DeferredWorker');
  protected readonly loop = new WorkerLoop({
    pass: ({ signal }) => this.#takeTurns(signal),
    intervalMs: idleMs,
    retryMs: lookEveryMs,
    onOutage: (error) => this.#logger.warn('What was put aside could not be taken.', error),
  });
  /** Of tenants that do not go as fast as they may. */
  readonly #paces = new Map<string, Pace>();

  constructor(
    private readonly orm: MikroORM,
    private readonly parts: TakingParts,
    private readonly onTaken: (taken: Taken) => void,
  ) {
    super();
  }

  override onApplicationBootstrap(): void {
    reportDeferred(() => this.#state());
    super.onApplicationBootstrap();
  }

  /** One turn of each tenant. @returns the milliseconds until the next turns; undefined when no tenant waits */
  async #takeTurns(stopping: AbortSignal): Promise<number | undefined> {
    const tenants = await withConnection(this.orm.em.fork(), waitingTenants);
    for (const tenantId of this.#paces.keys()) if (!tenants.includes(tenantId)) this.#paces.delete(tenantId);
    if (tenants.length === 0) return undefined;
    let hasMore = false;
    for (const tenantId of tenants) {
      if (stopping.aborted) return lookEveryMs;
      const { notBeforeMs = 0 } = this.#paces.get(tenantId) ?? {};
      if (notBeforeMs <= Date.now()) hasMore = (await this.#takeTurn(tenantId)) || hasMore;
    }
    return hasMore ? 0 : lookEveryMs;
  }

  /** @returns whether changes were processed */
  async #takeTurn(tenantId: string): Promise<boolean> {
    const pace = this.#paces.get(tenantId);
    const most = Math.min(turn.changes, pace?.changes ?? turn.changes);
    let numbers: string[] = [];
    try {
      const taken = await this.#take(tenantId, most, (read) => (numbers = read));
      if (pace) this.#goOn(tenantId, pace, taken);
      return taken > 0;
    } catch (error) {
      if (isBlocked(error)) this.#putOff(tenantId, pace, most);
      else if (isTransient(error) || this.loop.signal.aborted) throw error;
      else await this.#slowDown(tenantId, numbers, error);
      return false;
    }
  }

  async #take(tenantId: string, most: number, onRead: (numbers: string[]) => void): Promise<number> {
    return withConnection(this.orm.em.fork(), async (client) => {
      await client.query('begin');
      await client.query(`set local lock_timeout = ${lockTimeoutMs}`);
      const { envelope } = this.parts;
      const found = (await takeDeferred(client, envelope, tenantId, { changes: most, bytes: turn.bytes })) ?? [];
      const numbers = found.map(({ number }) => number);
      onRead(numbers);
      const changes = found.map(({ open }) => open());
      const [interest] = await interestsIn(client, found.length > 0 ? [tenantId] : []);
      const taken = interest && (await takeOfTenant(client, this.parts, interest, changes, turn.deliveries));
      if (found.length > 0) {
        await pipeline(client, [settingStatement({ 'app.tenant_id': tenantId }), removeDeferred(tenantId, numbers)]);
      }
      await client.query('commit');
      countTaken(changes);
      if (taken) this.onTaken(taken);
      return found.length;
    });
  }

  #goOn(tenantId: string, pace: Pace, taken: number): void {
    const left = pace.left - taken;
    if (left <= 0) this.#paces.delete(tenantId);
    else this.#paces.set(tenantId, { ...pace, left, notBeforeMs: 0, waitMs: waitMs.first });
  }

  /** Delays a tenant with locked rows or slow changes. */
  #putOff(tenantId: string, pace: Pace | undefined, changes: number): void {
    const forMs = pace?.waitMs ?? waitMs.first;
    const next = { waitMs: Math.min(2 * forMs, waitMs.most), notBeforeMs: Date.now() + forMs };
    // A smaller batch may finish in time.
    const fewer = Math.max(1, Math.floor(changes / 2));
    this.#paces.set(tenantId, { changes: fewer, left: changes, ...next });
  }

  /** Reduces the batch after a failure: a single change fails, or all together are too many. */
  async #slowDown(tenantId: string, numbers: readonly string[], error: unknown): Promise<void> {
    const [number, ...others] = numbers;
    const next = { left: numbers.length, notBeforeMs: 0, waitMs: waitMs.first };
    if (error instanceof TooManyDeliveriesError) {
      this.#paces.set(tenantId, { ...next, changes: Math.ceil(numbers.length / 2) });
    } else if (number === undefined) {
      throw error;
    } else if (others.length > 0) {
      this.#paces.set(tenantId, { ...next, changes: 1 });
    } else {
      const notBeforeMs = Date.now() + failedWaitMs;
      const left = this.#paces.get(tenantId)?.left ?? 1;
      this.#paces.set(tenantId, { changes: 1, left, notBeforeMs, waitMs: waitMs.first });
      await this.#noteFailure(tenantId, number, error);
    }
  }

  async #noteFailure(tenantId: string, number: string, error: unknown): Promise<void> {
    const [, noted] = await withConnection(this.orm.em.fork(), (client) =>
      pipeline(client, [
        settingStatement({ 'app.tenant_id': tenantId }),
        noteFailure(tenantId, number, errorKind(error), mostFailures),
      ]),
    );
    if (!noted?.rows.some(({ is_quarantined: isQuarantined }: { is_quarantined?: boolean }) => isQuarantined)) return;
    this.#logger.error(
      `The change ${number} of the tenant ${tenantId} is in quarantine, because it could not be processed.`,
      error,
    );
  }

  async #state(): Promise<DeferredState> {
    const [row] = await this.orm.em.fork().execute<{ quarantined: number; oldest: number }[]>(
      `select (select count(*)::int from deferred_change where quarantine_time is not null) as quarantined,
         coalesce((select extract(epoch from clock_timestamp() - min(defer_time)) from deferred_change
           where quarantine_time is null), 0)::double precision as oldest`,
    );
    return { quarantined: row?.quarantined ?? 0, oldestSeconds: row?.oldest ?? 0 };
  }
}
