import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { MikroORM } from '@mikro-orm/postgresql';
import { WorkerLoop } from '@rapport/platform';
import type { LogPosition } from '../../engine/changes/log/change-cursor.js';
import type { ChangeTail } from '../../engine/changes/log/change-tail.js';
import { segments } from './segments.js';
import type { SegmentFollower } from './segment-follower.js';

/** Tenants that one process follows at a time. Each uses a connection. */
const maxTenants = 3;

/** Steps of a tenant's turn, after which another one may come first. */
const turnSteps = 10;

/** Pause before a tenant is tried again that another process has, or whose step failed. */
const retryMs = { taken: 300, failed: 2_000 };

/** Longest times between two looks for the tenants with segments, and for filters that time changes. */
const lookMs = { tenants: 60_000, due: 1_000 };

/**
 * Follows the change log for the segments of all tenants; each process of the service has one worker. Without segments it reads
 * nothing: the end of the log, which the process has in memory, names the tenants with changes.
 */
export class SegmentWorker implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger = new Logger('SegmentWorker');
  readonly #loop: WorkerLoop;
  /** The tenants with segments. */
  #tenants = new Set<string>();
  #seen: LogPosition | undefined;
  #lookedMs = { tenants: 0, due: 0 };
  /** Tenants with work, by the time from which they are tried. */
  readonly #waiting = new Map<string, number>();
  readonly #turns = new Map<string, Promise<void>>();

  constructor(
    private readonly orm: MikroORM,
    private readonly tail: ChangeTail,
    private readonly follower: SegmentFollower,
  ) {
    this.#loop = new WorkerLoop({
      pass: ({ signal }) => this.#pass(signal),
      intervalMs: 0,
      retryMs: 1_000,
      onOutage: (error) => this.#logger.warn(`Can't follow the change log for segments.`, error),
    });
  }

  onApplicationBootstrap(): void {
    this.#loop.start();
  }

  /** Waits for the steps that are under way. */
  async onModuleDestroy(): Promise<void> {
    await this.#loop.stop();
    await Promise.all(this.#turns.values());
  }

  async #pass(signal: AbortSignal): Promise<number> {
    const { end } = this.tail;
    if (!end) return 100;
    await this.#look(end);
    const now = Date.now();
    for (const [tenantId, fromMs] of this.#waiting) {
      if (signal.aborted || this.#turns.size >= maxTenants) break;
      if (fromMs > now || this.#turns.has(tenantId)) continue;
      this.#waiting.delete(tenantId);
      this.#turns.set(tenantId, this.#turn(tenantId, signal));
    }
    await Promise.race([...this.#turns.values(), this.#idle(end, signal)]);
    return 0;
  }

  /** Waits for changes, or until something else may be due. */
  #idle(end: LogPosition, signal: AbortSignal): Promise<void> {
    const now = Date.now();
    const startable = [...this.#waiting].filter(([tenantId]) => !this.#turns.has(tenantId));
    const waits = startable.map(([, fromMs]) => Math.max(fromMs - now, 10));
    return this.tail.waitBeyond(end.position, Math.min(lookMs.due, ...waits), signal);
  }

  /** Finds the tenants with work: by their changes, and by time. */
  async #look(end: LogPosition): Promise<void> {
    const now = Date.now();
    const changes = this.#seen && this.tail.after(this.#seen, false);
    const isNew = !changes || changes.some(({ type }) => type === segments.table);
    if (isNew || now - this.#lookedMs.tenants > lookMs.tenants) {
      this.#lookedMs.tenants = now;
      this.#tenants = new Set(await this.#tenantsWhere('true'));
    }
    const changed = changes ? changes.map(({ tenant_id: id }) => id) : this.#tenants;
    for (const id of changed) if (this.#tenants.has(id)) this.#waiting.set(id, 0);
    this.#seen = end;
    if (this.#tenants.size === 0 || now - this.#lookedMs.due < lookMs.due) return;
    this.#lookedMs.due = now;
    for (const id of await this.#tenantsWhere('next_time <= rapport_clock()')) {
      if (!this.#waiting.has(id)) this.#waiting.set(id, 0);
    }
  }

  async #tenantsWhere(condition: string): Promise<string[]> {
    const rows = await this.orm.em
      .fork()
      .execute<{ tenant_id: string }[]>(`select tenant_id from segment_job where ${condition}`);
    return rows.map(({ tenant_id: id }) => id);
  }

  /** Never rejects. */
  async #turn(tenantId: string, signal: AbortSignal): Promise<void> {
    try {
      for (let step = 0; step < turnSteps && !signal.aborted; step += 1) {
        const result = await this.follower.step(tenantId);
        if (result === 'DONE') return;
        if (result === 'TAKEN') {
          this.#waiting.set(tenantId, Date.now() + retryMs.taken);
          return;
        }
      }
      this.#waiting.set(tenantId, 0);
    } catch (error) {
      this.#logger.warn(`The segments of the tenant ${tenantId} can't be followed.`, error);
      this.#waiting.set(tenantId, Date.now() + retryMs.failed);
    } finally {
      this.#turns.delete(tenantId);
    }
  }
}
