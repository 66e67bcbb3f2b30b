import type { FlowDefinition } from '@rapport/contracts/rapport/flows/v1/flow';
import { pipeline, settingStatement, type Statement } from '@rapport/persistence';
import type { ClientBase } from 'pg';
import { definitionOf, lockState } from '../definitions/active-flows.js';
import { bulkOf, inProgress, tryLockBulk } from './bulk-starts.js';
import type { BackfillJob } from './claim-backfills.js';

/** A backfill in a transaction that has locked it, its flow, and the starts of the flow. */
export interface LockedBackfill {
  version: number;
  cause: 'CHANGES' | 'SEGMENT';
  state: 'RUNNING' | 'SUCCEEDED' | 'CANCELLED';
  segmentId: string | null;
  pageToken: string | null;
  isRead: boolean;
  createdBy: string | null;
  publishedBy: string | null;
  waiting: number;
  started: number;
  succeeded: number;
  failed: number;
  cancelled: number;
  suppressed: number;
  isFlowActive: boolean;
  /** Whether another backfill of the flow comes first. */
  isBehind: boolean;
  /** Whether runs of it have not ended. */
  hasRuns: boolean;
  /** Seconds since its numbers have changed. */
  quietSeconds: number;
}

/**
 * Delays of the next turn, in milliseconds: after one that could do more, while runs are in progress, of a paused flow or after a
 * failure, and the shortest and longest while runs wait.
 */
export const waitMs = { more: 0, soon: 100, later: 5_000, least: 250, longest: 60_000 };

/**
 * Begins a transaction with a backfill.
 *
 * @returns undefined when it is gone; LOCKED while another transaction starts runs of the flow
 */
export async function beginWithBackfill(
  client: ClientBase,
  { tenantId, flowId, backfillId }: BackfillJob,
): Promise<LockedBackfill | 'LOCKED' | undefined> {
  const [, , flow, lock, found] = await pipeline(client, [
    { name: 'begin', sql: 'begin' },
    settingStatement({ 'app.tenant_id': tenantId }),
    lockState({ tenantId, flowId }),
    tryLockBulk(flowId),
    { name: 'lock_flow_backfill', sql: lockQuery, values: [tenantId, backfillId, flowId] },
  ]);
  const [{ isLocked } = { isLocked: false }] = (lock?.rows ?? []) as { isLocked: boolean }[];
  if (!isLocked) return 'LOCKED';
  const [row] = (found?.rows ?? []) as LockedBackfill[];
  const [{ isActive } = { isActive: false }] = (flow?.rows ?? []) as { isActive: boolean }[];
  return row && { ...row, isFlowActive: isActive };
}

// Runs that have not ended are looked for before their ends are counted, so that no end is missed.
const lockQuery = `select backfill.version, cause, state, segment_id as "segmentId", page_token as "pageToken",
    is_read as "isRead", created_by as "createdBy", waiting, started, succeeded, failed, cancelled, suppressed,
    (select published_by from flow_version version where version.tenant_id = $1 and version.flow_id = $3
      and version.version = backfill.version) as "publishedBy",
    exists (select from flow_backfill other where other.tenant_id = $1 and other.flow_id = $3 and other.state = 'RUNNING'
      and other.id <> $2 and case when other.cause = 'CHANGES' then other.waiting > 0 and (other.id < $2 or backfill.cause = 'SEGMENT')
        else not other.is_read and other.id < $2 and backfill.cause = 'SEGMENT' end) as "isBehind",
    exists (select from flow_job where backfill_id = $2 and held_number is null) as "hasRuns",
    extract(epoch from clock_timestamp() - update_time)::double precision as "quietSeconds"
  from flow_backfill backfill where tenant_id = $1 and id = $2 and state <> 'SUCCEEDED' for no key update`;

/** Most runs of a backfill that are due and that no process has claimed: runs of other flows of the tenant follow them. */
const mostDue = 100;

/** How many runs a backfill may start now. */
export async function roomOf(client: ClientBase, job: BackfillJob, definition: FlowDefinition): Promise<number> {
  const bulk = bulkOf(definition);
  const [counted] = await pipeline(client, [
    {
      name: 'flow_runs_in_bulk',
      sql: `select ${inProgress} as busy, (select count(*)::int from (
          select from flow_job where backfill_id = $4 and held_number is null and is_in_bulk and claim_id is null
            and due_time < clock_timestamp() + interval '1 second' limit ${mostDue}) job) as due`,
      values: [job.tenantId, job.flowId, bulk, job.backfillId],
    },
  ]);
  const [{ busy, due } = { busy: bulk, due: mostDue }] = (counted?.rows ?? []) as { busy: number; due: number }[];
  return Math.min(bulk - busy, mostDue - due);
}

export async function definitionOfBackfill(
  client: ClientBase,
  { tenantId, flowId }: BackfillJob,
  { version }: LockedBackfill,
): Promise<FlowDefinition> {
  const definition = await definitionOf(client, { tenantId, flowId, version });
  if (!definition) throw new Error(`The flow ${flowId} has no version ${version}.`);
  return definition;
}

/** Makes a backfill due again whose turn has done nothing. */
export function soonDue(backfillId: string): Statement {
  return {
    name: 'put_off_flow_backfill_turn',
    sql: `update flow_backfill_job set due_time = clock_timestamp() + make_interval(secs => $2 / 1000.0)
      where backfill_id = $1`,
    values: [backfillId, waitMs.soon],
  };
}

/** Adds the ends of runs to the numbers of a backfill. */
export async function countEnds(client: ClientBase, job: BackfillJob, backfill: LockedBackfill): Promise<void> {
  const { rows } = await client.query<{ outcome: string; was_held: boolean; runs: number }>({
    name: 'take_flow_backfill_ends',
    text: `with taken as (
        delete from flow_backfill_end where tenant_id = $1 and backfill_id = $2 returning outcome, was_held)
      select outcome, was_held, count(*)::int as runs from taken group by outcome, was_held`,
    values: [job.tenantId, job.backfillId],
  });
  for (const { outcome, was_held: wasHeld, runs } of rows) {
    if (wasHeld) {
      backfill.waiting -= runs;
      backfill.suppressed += runs;
    } else if (outcome === 'SUCCEEDED') backfill.succeeded += runs;
    else if (outcome === 'FAILED' || outcome === 'COMPENSATED') backfill.failed += runs;
    // A failed run that was retried counts again when it ends.
    else if (outcome === 'RETRIED') backfill.failed -= runs;
    else backfill.cancelled += runs;
  }
}

/** Statements that store the numbers of a backfill, and when it is due again. */
export function turnStatements(
  { tenantId, backfillId }: BackfillJob,
  backfill: LockedBackfill,
  { waitMs: nextMs, hasStarted }: { waitMs: number | undefined; hasStarted: boolean },
): Statement[] {
  const { state, waiting, started, succeeded, failed, cancelled, suppressed, isRead, pageToken, isFlowActive } =
    backfill;
  const canStart = state === 'RUNNING' && isFlowActive && (waiting > 0 || !isRead);
  return [
    {
      name: 'store_flow_backfill',
      sql: `update flow_backfill set state = $3, waiting = $4, started = $5, succeeded = $6, failed = $7, cancelled = $8,
          suppressed = $9, is_read = $10, page_token = $11, update_time = case
            when (waiting, started, succeeded, failed, cancelled, suppressed) = ($4, $5, $6, $7, $8, $9) then update_time
            else clock_timestamp() end,
          end_time = case when $3 = 'SUCCEEDED' then clock_timestamp() else end_time end
        where tenant_id = $1 and id = $2`,
      values: [
        ...[tenantId, backfillId, state, waiting, started, succeeded, failed, cancelled, suppressed, isRead],
        pageToken,
      ],
    },
    nextMs === undefined
      ? { name: 'end_flow_backfill', sql: 'delete from flow_backfill_job where backfill_id = $1', values: [backfillId] }
      : {
          name: 'put_off_flow_backfill',
          sql: `update flow_backfill_job set due_time = clock_timestamp() + make_interval(secs => $2 / 1000.0),
              progress_time = case when not $3 then null when $4 then clock_timestamp()
                else coalesce(progress_time, clock_timestamp()) end
            where backfill_id = $1`,
          values: [backfillId, nextMs, canStart, hasStarted],
        },
  ];
}
