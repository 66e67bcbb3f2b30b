import type { EntityManager } from '@mikro-orm/postgresql';
import type { DecideFlowStepRequest } from '@rapport/contracts/rapport/flows/v1/flow_runs_service';
import { pipeline, recordAuditEvent } from '@rapport/persistence';
import { AppError, currentCaller, type AuditKind } from '@rapport/platform';
import type { ClientBase } from 'pg';
import { enterAgain } from '../enrollments/leave-flow.js';
import { Expressions } from '../interpreter/expressions.js';
import type { RunState, Token } from '../interpreter/run-state.js';
import { Stepper } from '../interpreter/stepper.js';
import { endRun, lockRun } from '../runs/end-runs.js';
import type { StartValues } from '../runs/new-run.js';
import { openContent } from '../runs/run-content.js';
import type { EngineParts } from '../worker/engine-parts.js';
import { historyStatements, stateStatements, takenStatements } from '../worker/store-advance.js';
import { runColumns, runNotFound, type RunRow } from './run-row.js';
import { transactionClient } from './transaction-client.js';

const secondMs = 1_000;

/** Handles CancelFlowRun. Like all functions here, it runs in a transaction. */
export async function cancelRun(em: EntityManager, parts: EngineParts, id: string): Promise<void> {
  const { tenantId } = currentCaller();
  const client = await transactionClient(em);
  const isLive = await lockRun(client, tenantId, id);
  const run = await lockedRun(client, id);
  if (!isLive) throw new AppError('FAILED_PRECONDITION', 'FLOW_RUN_ENDED', `The run has ended: ${run.state}.`);
  await endRun(client, parts, { tenantId, runId: id, state: 'CANCELLED', variables: {} });
  await audit(em, 'FLOW_RUN_CANCELLED', run);
}

/** Handles RetryFlowRun. */
export async function retryRun(em: EntityManager, parts: EngineParts, id: string): Promise<void> {
  await continueRun(em, parts, id, (run, stepper) => {
    if (run.state !== 'FAILED') throw notFailed(run);
    for (const token of stopped(stepper, 'STOPPED')) repeat(stepper, token);
    return 'FLOW_RUN_RETRIED';
  });
}

/** Handles SkipFlowStep. */
export async function skipStep(em: EntityManager, parts: EngineParts, id: string): Promise<void> {
  await continueRun(em, parts, id, (run, stepper) => {
    const [token] = run.state === 'FAILED' ? stopped(stepper, 'STOPPED') : waiting(run, stepper);
    if (!token) throw notFailed(run);
    delete stepper.state.problem;
    stepper.skip(token);
    return 'FLOW_STEP_SKIPPED';
  });
}

/** Handles DecideFlowStep. */
export async function decideStep(
  em: EntityManager,
  parts: EngineParts,
  { id, decision }: DecideFlowStepRequest,
): Promise<void> {
  await continueRun(em, parts, id, (run, stepper) => {
    const [token] = stopped(stepper, 'UNCERTAIN');
    if (run.state !== 'UNCERTAIN' || !token) {
      throw new AppError('FAILED_PRECONDITION', 'FLOW_RUN_NOT_UNCERTAIN', `The run is ${run.state}.`);
    }
    delete stepper.state.problem;
    if (decision?.happened) stepper.complete(token, {});
    else repeat(stepper, token);
    return 'FLOW_STEP_DECIDED';
  });
}

function notFailed({ state }: RunRow): AppError {
  return new AppError('FAILED_PRECONDITION', 'FLOW_RUN_NOT_FAILED', `The run is ${state}.`);
}

function stopped({ state }: Stepper, phase: 'STOPPED' | 'UNCERTAIN'): Token[] {
  return state.tokens.filter((token) => token.phase === phase);
}

/** The step that a waiting run waits at. A queued run waits at none. */
function waiting(run: RunRow, { state }: Stepper): Token[] {
  return run.state === 'WAITING' ? state.tokens.filter(({ path }) => path === run.waiting_for) : [];
}

function repeat(stepper: Stepper, token: Token): void {
  const { problem } = stepper.state;
  if (problem?.step === token.path) token.problem = problem;
  else delete token.problem;
  delete stepper.state.problem;
  // An attempt that has failed has its end.
  if (token.number !== undefined && token.phase === 'UNCERTAIN') {
    stepper.history.change(token.number, { endTime: stepper.now.toISOString() });
  }
  delete token.number;
  Object.assign(token, { phase: 'READY', attempt: token.attempt + 1 });
}

/** Changes a run that has stopped or waits, and makes it due. @param change returns the kind of the audit entry */
async function continueRun(
  em: EntityManager,
  parts: EngineParts,
  id: string,
  change: (run: RunRow, stepper: Stepper) => AuditKind,
): Promise<void> {
  const { tenantId } = currentCaller();
  const client = await transactionClient(em);
  const isLive = await lockRun(client, tenantId, id);
  const run = await lockedRun(client, id);
  if (!isLive) await enterAgain(client, tenantId, id);
  const stepper = await stepperOf(client, parts, run);
  const kind = change(run, stepper);
  const advance = stepper.result;
  const claimed = { tenantId, runId: id, claimId: '' };
  const next = { state: 'RUNNING', wake: undefined, waitingFor: undefined, leaseMs: undefined } as const;
  for (const path of advance.closedApprovals) await parts.hooks.closeApprovals(client, tenantId, id, path);
  await pipeline(client, [
    ...(isLive ? [] : reviveStatements(tenantId, run)),
    ...historyStatements(parts.envelope, claimed, advance),
    ...takenStatements(tenantId, id, advance),
    ...stateStatements(parts.envelope, claimed, advance.state, next),
  ]);
  await audit(em, kind, run);
}

function reviveStatements(tenantId: string, { id, flow_id: flowId, backfill_id: backfillId }: RunRow) {
  return [
    {
      sql: `insert into flow_job (run_id, tenant_id, flow_id, due_time, backfill_id)
        values ($1, $2, $3, clock_timestamp(), $4)`,
      values: [id, tenantId, flowId, backfillId],
    },
    {
      sql: `insert into flow_backfill_end (tenant_id, backfill_id, outcome, was_held)
        select $1, backfill_id, 'RETRIED', false from flow_backfill_job where backfill_id = $2`,
      values: [tenantId, backfillId],
    },
    { sql: 'update flow_run set end_time = null where tenant_id = $1 and id = $2', values: [tenantId, id] },
  ];
}

async function lockedRun(client: ClientBase, id: string): Promise<RunRow> {
  const { rows } = await client.query<RunRow>(
    `select ${runColumns} from flow_run where tenant_id = $1 and id = $2 for update`,
    [currentCaller().tenantId, id],
  );
  const [row] = rows;
  if (!row) throw runNotFound();
  return row;
}

async function stepperOf(client: ClientBase, parts: EngineParts, run: RunRow): Promise<Stepper> {
  const { tenantId } = currentCaller();
  const owner = { tenantId, part: 'flow_run', id: run.id } as const;
  const version = { tenantId, flowId: run.flow_id, version: run.version };
  const definition = await parts.versions.definition(client, version);
  if (!definition) throw new AppError('NOT_FOUND', 'FLOW_VERSION_NOT_FOUND', 'The version of the run is gone.');
  const plan = {
    ...{ runId: run.id, steps: definition.steps, resolve: parts.resolve },
    values: openContent<StartValues>(parts.envelope, owner, run.sealed_start),
    expressions: new Expressions(parts.versions.typed(definition)),
    ...{ maxSteps: Number.MAX_SAFE_INTEGER, maxTime: new Date(Date.now() + secondMs) },
  };
  return new Stepper(plan, openContent<RunState>(parts.envelope, owner, run.sealed_state), new Date());
}

function audit(em: EntityManager, kind: AuditKind, { id, flow_id: flowId }: RunRow): Promise<void> {
  return recordAuditEvent(em, { kind, records: [`flow/${flowId}`], detail: { runId: id } });
}
