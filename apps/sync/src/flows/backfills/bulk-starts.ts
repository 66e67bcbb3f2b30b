import type { FlowDefinition } from '@rapport/contracts/rapport/flows/v1/flow';
import { pipeline, type Statement } from '@rapport/persistence';
import type { ClientBase } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { lockState, type ActiveFlow } from '../definitions/active-flows.js';
import type { BulkStart } from '../runs/new-run.js';

/** Most runs of a flow in progress, without a limit of its own. */
const defaultBulk = 1_000;

export function bulkOf({ limits }: FlowDefinition): number {
  return limits?.bulk ?? defaultBulk;
}

/** The starts of runs of one flow in a transaction. */
interface FlowStarts {
  /** False for a flow that was paused after it was read. */
  isActive: boolean;
  free: number;
  /** Whether earlier changes wait, which later ones follow. */
  isWaiting: boolean;
  /** Of the version. */
  backfillId: string | undefined;
  held: number;
}

/**
 * Says for each run that a change, or a time, starts whether it begins at once: while the flow has room for runs in progress, and no earlier
 * change waits. Otherwise a backfill holds it. For one transaction, whose tenant is set; starts of a flow in others wait for it.
 */
export class BulkStarts {
  readonly #flows = new Map<string, { flow: ActiveFlow; starts: FlowStarts }>();

  constructor(private readonly client: ClientBase) {}

  /**
   * How a run begins.
   *
   * @param number of the change that starts it, or its time: held runs begin in their order
   * @returns undefined when the flow is paused
   */
  async next(flow: ActiveFlow, number: number): Promise<BulkStart | undefined> {
    const known = this.#flows.get(flow.flowId)?.starts;
    const starts = known ?? (await this.#load(flow));
    if (!known) this.#flows.set(flow.flowId, { flow, starts });
    if (!starts.isActive) return undefined;
    if (starts.free > 0 && !starts.isWaiting) return {};
    starts.backfillId ??= uuidv7();
    return { backfillId: starts.backfillId, heldNumber: number };
  }

  /** Counts a run that `next` was asked for, and that was not suppressed. */
  note({ flowId }: ActiveFlow, { heldNumber }: BulkStart): void {
    const starts = this.#flows.get(flowId)?.starts;
    if (!starts) return;
    if (heldNumber === undefined) {
      starts.free -= 1;
    } else {
      starts.isWaiting = true;
      starts.held += 1;
    }
  }

  /** Statements that count the runs that are held now. */
  statements(): Statement[] {
    return [...this.#flows.values()].flatMap(({ flow, starts: { backfillId, held } }) =>
      backfillId === undefined || held === 0 ? [] : heldStatements(flow, backfillId, held),
    );
  }

  async #load({ tenantId, flowId, version, definition }: ActiveFlow): Promise<FlowStarts> {
    const bulk = bulkOf(definition);
    const [locked, , counted] = await pipeline(this.client, [
      lockState({ tenantId, flowId }),
      lockBulk(flowId),
      {
        name: 'flow_starts',
        sql: `select ${inProgress} as busy,
            exists (select from flow_backfill where tenant_id = $1 and flow_id = $2 and state = 'RUNNING'
              and waiting > 0) as "isWaiting",
            (select id from flow_backfill where tenant_id = $1 and flow_id = $2 and state = 'RUNNING'
              and cause = 'CHANGES' and version = $4 order by id desc limit 1) as "backfillId"`,
        values: [tenantId, flowId, bulk, version],
      },
    ]);
    const [row] = (counted?.rows ?? []) as { busy: number; isWaiting: boolean; backfillId: string | null }[];
    if (!row) throw new Error('The runs of a flow could not be counted.');
    const [{ isActive } = { isActive: false }] = (locked?.rows ?? []) as { isActive: boolean }[];
    return {
      isActive,
      free: bulk - row.busy,
      isWaiting: row.isWaiting,
      backfillId: row.backfillId ?? undefined,
      held: 0,
    };
  }
}

/** SQL: the number of runs in progress of the flow $2 of the tenant $1, at most $3. */
export const inProgress = `(select count(*)::int from (
  select from flow_job where tenant_id = $1 and flow_id = $2 and is_in_bulk and held_number is null and not is_paused
  limit $3) job)`;

const lockName = (flowId: string) => `flow_bulk ${flowId}`;

/** Serializes what counts runs of a flow in progress and starts some, until the transaction ends. */
export function lockBulk(flowId: string): Statement {
  return {
    name: 'lock_flow_bulk',
    sql: 'select pg_advisory_xact_lock(hashtextextended($1, 0))',
    values: [lockName(flowId)],
  };
}

/** The same, unless another transaction has it: the result says `isLocked`. */
export function tryLockBulk(flowId: string): Statement {
  return {
    name: 'try_lock_flow_bulk',
    sql: 'select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as "isLocked"',
    values: [lockName(flowId)],
  };
}

function heldStatements({ tenantId, flowId, version }: ActiveFlow, id: string, held: number): Statement[] {
  return [
    {
      name: 'note_held_flow_runs',
      sql: `insert into flow_backfill as known (tenant_id, id, flow_id, version, cause, state, is_read, waiting)
        values ($1, $2, $3, $4, 'CHANGES', 'RUNNING', true, $5)
        on conflict (tenant_id, id) do update set waiting = known.waiting + $5, update_time = clock_timestamp()`,
      values: [tenantId, id, flowId, version, held],
    },
    backfillJob(tenantId, flowId, id),
  ];
}

/** Makes a backfill due. */
export function backfillJob(tenantId: string, flowId: string, id: string): Statement {
  return {
    name: 'note_flow_backfill_job',
    sql: `insert into flow_backfill_job as job (backfill_id, tenant_id, flow_id, progress_time)
      values ($1, $2, $3, clock_timestamp())
      on conflict (backfill_id) do update set due_time = least(job.due_time, clock_timestamp()),
        progress_time = coalesce(job.progress_time, clock_timestamp())`,
    values: [id, tenantId, flowId],
  };
}
