/*
 * Why not pg-boss (12.38): it claims a job by a lease, so two workers can run one job whose lease has expired while a handler ran,
 * and it needs a schema and connections of its own. Here the lock of the timer's row is the claim. It ends with the transaction,
 * so nothing is left of a worker that died, and the effect commits with the end of the timer or not at all. The price: a handler
 * does nothing but write to the database. What takes longer, or leaves it, is begun by a row that the handler writes.
 *
 * Workers poll, because NOTIFY in writing transactions serialises their commits (ADR 0015).
 */
import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { MikroORM } from '@mikro-orm/postgresql';
import { callContext, WorkerLoop } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { tenantSession } from '../tenants/call-variables.js';
import { isConnectionLoss } from '../database-errors.js';
import { deferTimer, dueTenants, dueTenantsAfter, takeDue, timerBacklog } from './due-timers.js';
import { countFailed, countFired, reportTimers } from './timer-metrics.js';
import type { FiringTimer, TimerHandler } from './timer.js';

/** Timers of a tenant that one transaction fires. */
const batchSize = 20;

/** Tenants whose timers fire at a time in one process. Each uses a connection. */
const maxTenants = 3;

/** Tenants that a look finds behind those with much due. */
const tenantsBehind = 50;

const noTenant = '00000000-0000-0000-0000-000000000000';

/**
 * Fires the due timers of all tenants; each process of the service has one worker. A timer fires in one transaction with
 * what its handler does, so it fires exactly once, however many workers look and whenever they die. Tenants take turns, a
 * batch each, and a slow one delays no other. A handler that fails delays its timer alone.
 */
export class TimerWorker implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger = new Logger('TimerWorker');
  readonly #loop: WorkerLoop;
  readonly #allowsShift: boolean;
  /** The last tenant that was found behind those with much due. */
  #after = noTenant;
  /** The turns of tenants that are under way. A slow one delays no timer of another tenant. */
  readonly #turns = new Map<string, Promise<void>>();
  /** Of a turn, such as a lost connection. The next look fails by it. */
  #failure: Error | undefined;

  /**
   * @param handlers by kind. A kind without one is tried again later: another release may have it
   * @param options `pollMs` between looks when nothing is due, three times that after a while; `allowsClockShift` in tests
   */
  constructor(
    private readonly orm: MikroORM,
    private readonly handlers: ReadonlyMap<string, TimerHandler>,
    { pollMs = 250, allowsClockShift = false }: { pollMs?: number; allowsClockShift?: boolean } = {},
  ) {
    this.#allowsShift = allowsClockShift;
    this.#loop = new WorkerLoop({
      pass: () => this.#look(pollMs),
      intervalMs: pollMs,
      quietIntervalMs: 3 * pollMs,
      retryMs: 1_000,
      onOutage: (error) => this.#logger.warn(`Can't look for timers.`, error),
    });
  }

  /** Whether the latest look failed. */
  get isFailing(): boolean {
    return this.#loop.isFailing;
  }

  onApplicationBootstrap(): void {
    reportTimers(() => timerBacklog(this.orm.em.fork()));
    this.#loop.start();
  }

  /** Waits for the transactions that are under way. */
  async onModuleDestroy(): Promise<void> {
    await this.#loop.stop();
    await Promise.all(this.#turns.values());
  }

  /** @returns the milliseconds to wait before the next look, undefined when nothing is due */
  async #look(pollMs: number): Promise<number | undefined> {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw failure;
    const em = this.orm.em.fork();
    const { tenantIds, isCut, isShifted } = await dueTenants(em);
    if (isShifted && !this.#allowsShift) throw new Error('The clock of the database is shifted, as only tests do it.');
    if (isCut) {
      const behind = await dueTenantsAfter(em, this.#after, tenantsBehind);
      this.#after = behind.length < tenantsBehind ? noTenant : behind.at(-1)!;
      tenantIds.push(...behind.filter((id) => !tenantIds.includes(id)));
    }
    for (const id of tenantIds) {
      if (this.#turns.has(id)) continue;
      while (this.#turns.size >= maxTenants) await Promise.race(this.#turns.values());
      if (this.#loop.signal.aborted) break;
      this.#turns.set(id, this.#turn(id));
    }
    return tenantIds.length > 0 ? pollMs : undefined;
  }

  /** Fires a batch of a tenant. Never rejects. */
  async #turn(tenantId: string): Promise<void> {
    let isWorthALook = true;
    try {
      isWorthALook = (await this.#fire(tenantId, batchSize)) > 0;
    } catch (error) {
      this.#failure ??= error as Error;
    }
    this.#turns.delete(tenantId);
    if (isWorthALook) this.#loop.wake();
  }

  /** @returns how many timers fired, or were put off */
  async #fire(tenantId: string, limit: number): Promise<number> {
    const caller = { tenantId, principalId: 'service:timers', permissions: [] };
    return callContext.run({ requestId: uuidv7(), caller, cause: { origin: 'timer' } }, async () => {
      const taken: (FiringTimer & { lateSeconds: number })[] = [];
      try {
        await this.orm.em.fork({ session: tenantSession(tenantId) }).transactional(async (em) => {
          taken.push(...(await takeDue(em, tenantId, limit)));
          for (const timer of taken) await this.#handle(timer)(em, timer);
        });
      } catch (error) {
        if (taken.length === 0 || isConnectionLoss(error)) throw error;
        return taken.length > 1 ? this.#fireEach(tenantId, taken.length) : this.#putOff(taken[0]!, error);
      }
      countFired(taken.map(({ lateSeconds }) => lateSeconds));
      return taken.length;
    });
  }

  /** Finds the timer that failed: one transaction for each of the batch. */
  async #fireEach(tenantId: string, count: number): Promise<number> {
    let ended = 0;
    for (let left = count; left > 0 && !this.#loop.signal.aborted; left -= 1) ended += await this.#fire(tenantId, 1);
    return ended;
  }

  async #putOff({ id, tenantId, kind, recordType, recordId }: FiringTimer, error: unknown): Promise<number> {
    this.#logger.warn(`Timer ${id} (${kind}) of ${recordType} ${recordId} failed.`, error);
    countFailed(kind);
    await deferTimer(this.orm.em.fork(), tenantId, id);
    return 1;
  }

  #handle({ kind }: FiringTimer): TimerHandler {
    const handler = this.handlers.get(kind);
    if (!handler) throw new Error(`No handler for timers of kind ${kind}.`);
    return handler;
  }
}
