import type { EntityManager } from '@mikro-orm/postgresql';
import type {
  FlowMigration,
  MigrateFlowRunsRequest,
  MigrateFlowRunsResponse,
} from '@rapport/contracts/rapport/flows/v1/flow_runs_service';
import type { FlowDefinition } from '@rapport/contracts/rapport/flows/v1/flow';
import { queryRows, recordAuditEvent } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument, type FieldViolation } from '@rapport/platform';
import type { ClientBase } from 'pg';
import { allSteps } from '../definitions/checks/step-tree.js';
import { MoveError, moveState } from '../interpreter/move-state.js';
import type { RunState } from '../interpreter/run-state.js';
import { openContent, sealContent } from '../runs/run-content.js';
import type { EngineParts } from '../worker/engine-parts.js';
import { transactionClient } from './transaction-client.js';

/** Most reasons of an answer. */
const maxReasons = 100;

/** Most runs of a call. A call with the same versions moves further ones. */
const maxRuns = 5_000;

interface WaitingRun {
  id: string;
  sealed_state: Buffer;
}

/** A move with the definitions of its versions. */
interface Move {
  flowId: string;
  migration: FlowMigration;
  from: FlowDefinition;
  to: FlowDefinition;
  keys: ReadonlyMap<string, string>;
}

/** Handles MigrateFlowRuns. It runs in a transaction, which locks the runs against their workers. */
export async function migrateRuns(
  em: EntityManager,
  parts: EngineParts,
  { id: flowId, migration }: MigrateFlowRunsRequest,
): Promise<MigrateFlowRunsResponse> {
  if (!migration) throw invalidArgument([{ field: 'migration', reason: 'REQUIRED', description: 'is required' }]);
  const { tenantId } = currentCaller();
  const client = await transactionClient(em);
  const [flow] = await queryRows(em, {
    sql: 'select from flow where tenant_id = $1 and id = $2',
    values: [tenantId, flowId],
  });
  if (!flow) throw new AppError('NOT_FOUND', 'FLOW_NOT_FOUND', 'There is no such flow.');
  const versions = [migration.fromVersion, migration.toVersion].map((version) =>
    parts.versions.definition(client, { tenantId, flowId, version }),
  );
  const [from, to] = await Promise.all(versions);
  if (!from || !to) throw new AppError('NOT_FOUND', 'FLOW_VERSION_NOT_FOUND', 'The flow has no such version.');
  const keys = movedKeys(migration, from);
  const answer: MigrateFlowRunsResponse = { moved: 0, kept: 0, reasons: [] };
  for (const run of await waitingRuns(client, flowId, migration.fromVersion)) {
    const reason = await moveRun(client, parts, { flowId, migration, from, to, keys }, run);
    if (!reason) {
      answer.moved += 1;
      continue;
    }
    answer.kept += 1;
    if (answer.reasons.length < maxReasons) answer.reasons.push({ ...reason, step: run.id });
  }
  if (!migration.validateOnly) {
    const { fromVersion, toVersion } = migration;
    const detail = { fromVersion, toVersion, moved: answer.moved, kept: answer.kept };
    await recordAuditEvent(em, { kind: 'FLOW_RUNS_MIGRATED', records: [`flow/${flowId}`], detail });
  }
  return answer;
}

/** @throws AppError INVALID_ARGUMENT for keys that would make one step of two */
function movedKeys({ stepKeys }: FlowMigration, { steps }: FlowDefinition): ReadonlyMap<string, string> {
  const keys = new Map(stepKeys.map(({ from, to }) => [from, to]));
  const of = (key: string) => allSteps(steps).filter((step) => (keys.get(step.key) ?? step.key) === key);
  const violations = stepKeys.flatMap(({ from, to }, index): FieldViolation[] => {
    const field = `migration.stepKeys[${index}]`;
    if (keys.get(from) !== to) return [{ field: `${field}.from`, reason: 'DUPLICATE', description: 'has two keys' }];
    if (of(to).length < 2) return [];
    const description = 'would be the key of two steps of the run';
    return [{ field: `${field}.to`, reason: 'DUPLICATE', description }];
  });
  if (violations.length > 0) throw invalidArgument(violations);
  return keys;
}

/** Locks the jobs of the runs first, as workers do. A run that a worker has at the moment does not wait. */
async function waitingRuns(client: ClientBase, flowId: string, version: number): Promise<WaitingRun[]> {
  const { tenantId } = currentCaller();
  const locked = await client.query<{ run_id: string }>(
    `select job.run_id from flow_run run join flow_job job on job.run_id = run.id
     where run.tenant_id = $1 and run.flow_id = $2 and run.version = $3 and run.state = 'WAITING' and job.claim_id is null
     order by run.id limit ${maxRuns} for update of job`,
    [tenantId, flowId, version],
  );
  const { rows } = await client.query<WaitingRun>(
    `select id, sealed_state from flow_run
     where tenant_id = $1 and id = any ($2) and version = $3 and state = 'WAITING' order by id for update`,
    [tenantId, locked.rows.map(({ run_id: runId }) => runId), version],
  );
  return rows;
}

/** @returns why the run stays */
async function moveRun(
  client: ClientBase,
  { envelope }: EngineParts,
  { migration, from, to, keys }: Move,
  { id, sealed_state: sealed }: WaitingRun,
): Promise<{ code: string; message: string } | undefined> {
  const { tenantId } = currentCaller();
  const owner = { tenantId, part: 'flow_run', id } as const;
  try {
    const before = openContent<RunState>(envelope, owner, sealed);
    const state = moveState(before, { from: from.steps, to: to.steps, keys });
    if (migration.validateOnly) return undefined;
    const waitingFor = state.tokens[0]?.path ?? null;
    await client.query({
      name: 'move_flow_run',
      text: `update flow_run set version = $3, sealed_state = $4, waiting_for = $5 where tenant_id = $1 and id = $2`,
      values: [tenantId, id, migration.toVersion, sealContent(envelope, owner, state), waitingFor],
    });
    await moveWaits(client, id, keys);
    await movePaths(client, id, before, state);
    return undefined;
  } catch (error) {
    if (error instanceof MoveError) return { code: error.code, message: error.message };
    throw error;
  }
}

/** What steps with another key wait for. */
async function moveWaits(client: ClientBase, runId: string, keys: ReadonlyMap<string, string>): Promise<void> {
  const { tenantId } = currentCaller();
  const values = [tenantId, runId, [...keys.keys()], [...keys.values()]];
  for (const [table, column] of keyColumns) {
    // By keys that no step has, since two steps may swap theirs.
    await client.query(
      `update ${table} set ${column} = '>' || moved.after from unnest($3::text[], $4::text[]) as moved (before, after)
       where tenant_id = $1 and run_id = $2 and ${column} = moved.before`,
      values,
    );
    await client.query(
      `update ${table} set ${column} = substr(${column}, 2)
       where tenant_id = $1 and run_id = $2 and starts_with(${column}, '>')`,
      [tenantId, runId],
    );
  }
}

const keyColumns = [
  ['flow_wait', 'step_key'],
  ['flow_event', 'target'],
] as const;

/** What other rows know of the steps by their paths: approvals, the runs that steps wait for, and their answers. */
async function movePaths(client: ClientBase, runId: string, before: RunState, after: RunState): Promise<void> {
  const paths = before.tokens.map(({ path }, index) => [path, after.tokens[index]?.path ?? path] as const);
  const changed = paths.filter(([from, to]) => from !== to);
  if (changed.length === 0) return;
  const values = [currentCaller().tenantId, runId, changed.map(([from]) => from), changed.map(([, to]) => to)];
  for (const [table, column, run] of pathColumns) {
    const sql = `update ${table} set ${column} = moved.after from unnest($3::text[], $4::text[]) as moved (before, after)
      where ${table}.tenant_id = $1 and ${table}.${run} = $2 and ${table}.${column} = moved.before`;
    await client.query(sql, values);
  }
}

const pathColumns = [
  ['flow_approval', 'path', 'run_id'],
  ['flow_run', 'parent_path', 'parent_run_id'],
  ['flow_event', 'target', 'run_id'],
] as const;
