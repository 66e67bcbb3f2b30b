import { pipeline, settingStatement } from '@rapport/persistence';
import type { ClientBase } from 'pg';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import type { JsonObject } from '../effects/effect-port.js';
import type { StoredEvent } from '../interpreter/interpret.js';
import type { RunState } from '../interpreter/run-state.js';
import type { ChainLink, StartValues } from '../runs/new-run.js';
import { openContent } from '../runs/run-content.js';
import type { ClaimedRun } from './claim-runs.js';

/** A run as the transaction that has locked it sees it. */
export interface StoredRun {
  flowId: string;
  version: number;
  status: 'RUNNING' | 'WAITING' | 'UNCERTAIN' | 'COMPENSATING';
  principalId: string;
  record: { type: string; id: string } | undefined;
  hop: number;
  chain: readonly ChainLink[];
  isQueued: boolean;
  isFlowFrozen: boolean;
  /** Whether the enrollment of its customer is paused. */
  isPaused: boolean;
  values: StartValues;
  state: RunState;
  startTime: Date;
  maxTime: Date;
  events: StoredEvent[];
  /** Time of the database, so that all processes have the same. */
  now: Date;
}

interface RunRow {
  flow_id: string;
  version: number;
  state: StoredRun['status'];
  principal_id: string;
  record_type: string | null;
  record_id: string | null;
  hop: number;
  chain: readonly ChainLink[];
  is_queued: boolean;
  is_flow_frozen: boolean;
  sealed_start: Buffer;
  sealed_state: Buffer;
  // Times are texts, as MikroORM makes its connections read them.
  start_time: string;
  max_time: string;
  now: string;
}

interface EventRow {
  number: string;
  target: string;
  event_key: string;
  event_time: string;
  sealed_data: Buffer;
}

/**
 * Begins a transaction that holds a claimed run, with its events.
 *
 * @returns undefined when the claim is lost: the run has ended, or another process has claimed it after the lease
 */
export async function beginWithRun(
  client: ClientBase,
  envelope: SecretEnvelope,
  { tenantId, runId, claimId }: ClaimedRun,
): Promise<StoredRun | undefined> {
  const values = [tenantId, runId];
  const [, , , job, run, events] = await pipeline(client, [
    { name: 'begin', sql: 'begin' },
    settingStatement({ 'app.tenant_id': tenantId }),
    // As lockConcurrency, before the job.
    {
      name: 'lock_flow_run_key',
      sql: `select pg_advisory_xact_lock(hashtextextended('flow_run ' || flow_id || ' ' || encode(concurrency_hash, 'hex'), 0))
        from flow_run where tenant_id = $1 and id = $2 and concurrency_hash is not null`,
      values,
    },
    {
      name: 'lock_claimed_flow_job',
      sql: 'select is_paused from flow_job where run_id = $1 and claim_id = $2 for update',
      values: [runId, claimId],
    },
    { name: 'stored_flow_run', sql: runQuery, values },
    {
      name: 'stored_flow_events',
      sql: `select number::text, target, event_key, event_time, sealed_data from flow_event
        where tenant_id = $1 and run_id = $2 order by flow_event.number`,
      values,
    },
  ]);
  const [row] = (run?.rows ?? []) as RunRow[];
  const [claimed] = (job?.rows ?? []) as { is_paused: boolean }[];
  if (!claimed || !row) return undefined;
  const owner = { tenantId, part: 'flow_run', id: runId } as const;
  return {
    ...{ flowId: row.flow_id, version: row.version, status: row.state, principalId: row.principal_id },
    record:
      row.record_type !== null && row.record_id !== null ? { type: row.record_type, id: row.record_id } : undefined,
    ...{ hop: row.hop, chain: row.chain, isQueued: row.is_queued, isFlowFrozen: row.is_flow_frozen },
    isPaused: claimed.is_paused,
    values: openContent<StartValues>(envelope, owner, row.sealed_start),
    state: openContent<RunState>(envelope, owner, row.sealed_state),
    ...{ startTime: new Date(row.start_time), maxTime: new Date(row.max_time), now: new Date(row.now) },
    events: ((events?.rows ?? []) as EventRow[]).map((event) => ({
      ...{ number: event.number, target: event.target, eventKey: event.event_key },
      time: new Date(event.event_time).toISOString(),
      data: openContent<JsonObject>(envelope, { tenantId, part: 'flow_event', id: runId }, event.sealed_data),
    })),
  };
}

const runQuery = `select flow_id, version, state, principal_id, record_type, record_id, hop, chain, is_queued,
    exists (select from flow where flow.tenant_id = $1 and flow.id = run.flow_id and flow.state = 'FROZEN')
      as is_flow_frozen,
    sealed_start, sealed_state, start_time, max_time, clock_timestamp() as now
  from flow_run run where tenant_id = $1 and id = $2`;
