import { pipeline, type Statement } from '@rapport/persistence';
import type { ClientBase } from 'pg';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import type { StepRow, StepRowChange } from '../interpreter/history.js';
import type { Advance } from '../interpreter/interpret.js';
import type { RunState } from '../interpreter/run-state.js';
import { sealContent } from '../runs/run-content.js';
import type { ClaimedRun } from './claim-runs.js';

/** The state of a run that continues, and when it is due. */
export interface NextState {
  state: 'RUNNING' | 'WAITING' | 'UNCERTAIN' | 'COMPENSATING';
  wake: Date | undefined;
  waitingFor: string | undefined;
  /** The worker keeps its claim for this long; undefined to release it. */
  leaseMs: number | undefined;
  isFrozen?: boolean;
}

/** Statements that store what the run knows, and its job. */
export function stateStatements(
  envelope: SecretEnvelope,
  { tenantId, runId }: ClaimedRun,
  runState: RunState,
  next: NextState,
): Statement[] {
  const sealed = sealContent(envelope, { tenantId, part: 'flow_run', id: runId }, runState);
  return [
    {
      name: 'store_flow_run',
      sql: `update flow_run set state = $3, sealed_state = $4, wake_time = $5, waiting_for = $6, step_count = $7
        where tenant_id = $1 and id = $2`,
      values: [tenantId, runId, next.state, sealed, next.wake ?? null, next.waitingFor ?? null, runState.stepCount],
    },
    jobStatement(runId, next, isInProgress(runState, next)),
  ];
}

/** False once a run waits for a time, an event, people or another run: then further runs of a backfill may start. */
function isInProgress({ tokens }: RunState, { state }: NextState): boolean {
  if (state === 'WAITING') return tokens.some(({ phase }) => phase === 'RETRY');
  return state !== 'UNCERTAIN';
}

function jobStatement(
  runId: string,
  { state, wake, leaseMs, isFrozen = false }: NextState,
  inProgress: boolean,
): Statement {
  if (leaseMs !== undefined) {
    return {
      name: 'keep_flow_job',
      sql: `update flow_job set due_time = clock_timestamp() + make_interval(secs => $2 / 1000.0) where run_id = $1`,
      values: [runId, leaseMs],
    };
  }
  // An uncertain run is due when a person has decided.
  const due = state === 'UNCERTAIN' ? 'infinity' : (wake ?? null);
  return {
    name: 'release_flow_job',
    sql: `update flow_job set claim_id = null, due_time = coalesce($2, clock_timestamp()),
        is_frozen = $3 and exists (select from flow
          where flow.tenant_id = flow_job.tenant_id and flow.id = flow_job.flow_id and state = 'FROZEN'),
        is_in_bulk = is_in_bulk and $4
      where run_id = $1`,
    values: [runId, due, isFrozen, inProgress],
  };
}

/** Stores what a run knows when it ends. */
export function lastStateStatement(
  envelope: SecretEnvelope,
  { tenantId, runId }: Pick<ClaimedRun, 'tenantId' | 'runId'>,
  { state, waitingFor }: { state: RunState; waitingFor?: string | undefined },
): Statement {
  return {
    name: 'store_last_flow_state',
    sql: `update flow_run set sealed_state = $3, step_count = $4, waiting_for = $5 where tenant_id = $1 and id = $2`,
    values: [
      ...[tenantId, runId, sealContent(envelope, { tenantId, part: 'flow_run', id: runId }, state), state.stepCount],
      waitingFor ?? null,
    ],
  };
}

/** Statements for the rows of the history that an advance has made and changed. */
export function historyStatements(
  envelope: SecretEnvelope,
  owner: { tenantId: string; runId: string },
  { made, changed }: Pick<Advance, 'made' | 'changed'>,
): Statement[] {
  const { tenantId, runId } = owner;
  const row = (change: StepRowChange) => rowJson(envelope, owner, change);
  return [
    ...(made.length === 0
      ? []
      : [
          {
            name: 'insert_flow_steps',
            sql: `insert into flow_step_run (tenant_id, run_id, number, path, key, kind, attempt, state, effect_key,
                has_undo, sealed_input, sealed_result, start_time, end_time)
              select $1, $2, number, path, key, kind, attempt, state, effect_key, has_undo,
                decode(sealed_input, 'base64'), decode(sealed_result, 'base64'), start_time, end_time
              from jsonb_to_recordset($3) as made (number int, path text, key text, kind text, attempt int, state text,
                effect_key text, has_undo boolean, sealed_input text, sealed_result text, start_time timestamptz,
                end_time timestamptz)`,
            values: [tenantId, runId, JSON.stringify(made.map(row))],
          },
        ]),
    ...changeStatements({ tenantId, runId }, changed.map(row)),
  ];
}

function changeStatements(
  { tenantId, runId }: { tenantId: string; runId: string },
  changes: readonly object[],
): Statement[] {
  if (changes.length === 0) return [];
  return [
    {
      name: 'update_flow_steps',
      sql: `update flow_step_run step set state = coalesce(changed.state, step.state),
          effect_key = coalesce(changed.effect_key, step.effect_key), has_undo = changed.has_undo or step.has_undo,
          sealed_input = coalesce(decode(changed.sealed_input, 'base64'), step.sealed_input),
          sealed_result = coalesce(decode(changed.sealed_result, 'base64'), step.sealed_result),
          end_time = coalesce(changed.end_time, step.end_time)
        from jsonb_to_recordset($3) as changed (number int, state text, effect_key text, has_undo boolean,
          sealed_input text, sealed_result text, end_time timestamptz)
        where step.tenant_id = $1 and step.run_id = $2 and step.number = changed.number`,
      values: [tenantId, runId, JSON.stringify(changes)],
    },
  ];
}

function rowJson(
  envelope: SecretEnvelope,
  { tenantId, runId }: { tenantId: string; runId: string },
  { input, output, undo, problem, effectKey, startTime, endTime, ...row }: StepRowChange,
): object {
  const seal = (content: object) =>
    sealContent(envelope, { tenantId, part: 'flow_step_run', id: runId }, content).toString('base64');
  const result = { ...(output && { output }), ...(undo && { undo }), ...(problem && { problem }) };
  return {
    ...row,
    ...{ effect_key: effectKey, has_undo: undo !== undefined, start_time: startTime, end_time: endTime },
    ...(input && { sealed_input: seal(input) }),
    ...(Object.keys(result).length > 0 && { sealed_result: seal(result) }),
  };
}

/** The content of `sealed_result`. */
export type StepResult = Pick<StepRow, 'output' | 'undo' | 'problem'>;

/** Statements that forget the events that steps have taken, and what ended steps were waiting for. */
export function takenStatements(
  tenantId: string,
  runId: string,
  { takenEvents, closedListens }: Pick<Advance, 'takenEvents' | 'closedListens'>,
): Statement[] {
  const listens = [tenantId, runId, closedListens];
  return [
    ...(takenEvents.length === 0
      ? []
      : [
          {
            name: 'delete_taken_flow_events',
            sql: 'delete from flow_event where tenant_id = $1 and run_id = $2 and number = any ($3::bigint[])',
            values: [tenantId, runId, takenEvents],
          },
        ]),
    ...(closedListens.length === 0
      ? []
      : [
          {
            name: 'delete_ended_flow_waits',
            sql: 'delete from flow_wait where tenant_id = $1 and run_id = $2 and step_key = any ($3::text[])',
            values: listens,
          },
          {
            name: 'delete_ended_flow_events',
            sql: 'delete from flow_event where tenant_id = $1 and run_id = $2 and target = any ($3::text[])',
            values: listens,
          },
        ]),
  ];
}

/** Runs statements, the last of which commits. */
export async function commitWith(client: ClientBase, statements: readonly Statement[]): Promise<void> {
  await pipeline(client, [...statements, { name: 'commit', sql: 'commit' }]);
}
