import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type { MikroORM } from '@mikro-orm/postgresql';
import type { ContractClient } from '@rapport/contracts';
import {
  WorkspaceClosingsServiceService as Closings,
  type ListOpenClosingsResponse,
  type OpenClosing,
} from '@rapport/contracts/rapport/auth/v1/workspace_closings_service';
import {
  WorkspaceServiceService,
  type RemoveClosedTenantResponse,
} from '@rapport/contracts/rapport/work/v1/workspace_service';
import { removeTenant, tenantSession, type RemovalPass } from '@rapport/persistence';
import { LoopWorker, WorkerLoop } from '@rapport/platform';
import { jobSchema } from './job-queue.js';

/** Intervals between polls of auth for closed tenants, in milliseconds. A tenant rests `busy` between two passes. */
const lookEveryMs = { busy: 2_000, quiet: 10_000 };

const callMs = 10_000;

/**
 * Removes the data of closed tenants: that of customers by calls, and that of sync. Auth lists the closed tenants, and
 * removes its own data last. The tables themselves hold the state of the work, so any process continues where another
 * one stopped.
 */
export class ClosingWorker extends LoopWorker {
  readonly #logger = new Logger('ClosingWorker');
  protected readonly loop = new WorkerLoop({
    pass: ({ signal }) => this.#passAll(signal),
    intervalMs: lookEveryMs.busy,
    quietIntervalMs: lookEveryMs.quiet,
    onOutage: (error) => this.#logger.warn('Data of closed tenants could not be removed.', error),
  });

  constructor(
    private readonly orm: MikroORM,
    private readonly auth: Pick<ContractClient, 'unary'>,
    private readonly customers: Pick<ContractClient, 'unary'>,
  ) {
    super();
  }

  /** @returns undefined when no tenant is being closed */
  async #passAll(stopping: AbortSignal): Promise<number | undefined> {
    const answer = await this.#ask(this.auth, Closings.listOpenClosings.path, {});
    const { closings } = answer as ListOpenClosingsResponse;
    const failures = await this.#passEach(closings, stopping);
    // Each tenant has had its turn: what fails for one holds up no other.
    if (failures.length > 0) throw new AggregateError(failures, 'Passes over tenants have failed.');
    return closings.length > 0 ? lookEveryMs.busy : undefined;
  }

  async #passEach(closings: readonly OpenClosing[], stopping: AbortSignal): Promise<unknown[]> {
    const failures: unknown[] = [];
    for (const closing of closings) {
      if (stopping.aborted) break;
      await this.#pass(closing).catch((error: unknown) => failures.push(error));
    }
    return failures;
  }

  /** One pass over a tenant. It ends after some seconds, so that other tenants get theirs. */
  async #pass({ tenantId, closingToken }: OpenClosing): Promise<void> {
    const { path } = WorkspaceServiceService.removeClosedTenant;
    const ofCustomers = (await this.#ask(this.customers, path, { closingToken })) as RemoveClosedTenantResponse;
    const own = await this.#removeOwn(tenantId);
    await this.#ask(this.auth, Closings.reportClosingPass.path, {
      ...{ tenantId, customersRows: ofCustomers.rows, syncRows: own.rows },
      isComplete: ofCustomers.isComplete && own.isComplete,
    });
  }

  async #removeOwn(tenantId: string): Promise<RemovalPass> {
    const em = this.orm.em.fork({ session: tenantSession(tenantId) });
    const jobs = await em.execute<unknown[]>(`delete from ${jobSchema}.job where data ->> 'tenantId' = ? returning 1`, [
      tenantId,
    ]);
    const { rows, isComplete } = await removeTenant(em, { tenantId, history: ['remove_audit'] });
    return { rows: jobs.length + rows, isComplete };
  }

  #ask(client: Pick<ContractClient, 'unary'>, path: string, request: object): Promise<unknown> {
    return client.unary(path, request, { context: { requestId: randomUUID() }, deadlineMs: callMs });
  }
}
