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
 * batch each. A handler that fails delays its timer alone.
 */
export class TimerWorker implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger = new Logger('TimerWorker');
  readonly #loop: WorkerLoop;
  readonly #allowsShift: boolean;
  /** The last tenant that was found behind those with much due. */
  #after = noTenant;

  /**
   * @param handlers by kind. A kind without one is tried again later: another release may have it
   * @param options `pollMs` between looks when nothing is due; `allowsClockShift` in tests
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
  }

  /** @returns the milliseconds to wait before the next look */
  async #look(pollMs: number): Promise<number> {
    const em = this.orm.em.fork();
    const { tenantIds, isCut, isShifted } = await dueTenants(em);
    if (isShifted && !this.#allowsShift) throw new Error('The clock of the database is shifted, as only tests do it.');
    if (isCut) {
      const behind = await dueTenantsAfter(em, this.#after, tenantsBehind);
      this.#after = behind.length < tenantsBehind ? noTenant : behind.at(-1)!;
      tenantIds.push(...behind.filter((id) => !tenantIds.includes(id)));
    }
    let ended = 0;
    const next = async () => {
      for (let id = tenantIds.shift(); id && !this.#loop.signal.aborted; id = tenantIds.shift()) {
        ended += await this.#fire(id, batchSize);
      }
    };
    const turns = await Promise.allSettled(Array.from({ length: maxTenants }, next));
    for (const turn of turns) if (turn.status === 'rejected') throw turn.reason;
    return ended > 0 ? 0 : pollMs;
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
