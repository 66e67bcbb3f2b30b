import type { EntityManager } from '@mikro-orm/postgresql';
import { pipeline, withConnection } from '@rapport/persistence';
import type { ClientBase } from 'pg';
import type { JsonObject } from '../effects/effect-port.js';
import { nextAttempt } from '../interpreter/retry-policy.js';
import type { Problem, RunState } from '../interpreter/run-state.js';
import { endRun } from '../runs/end-runs.js';
import { openContent } from '../runs/run-content.js';
import type { ClaimedRun } from './claim-runs.js';
import type { EngineParts } from './engine-parts.js';
import { countRun } from './flow-metrics.js';
import { effectCall, performUndo, type EffectOwner, type UndoResult } from './perform-effects.js';
import { commitWith, lastStateStatement, stateStatements, type StepResult } from './store-advance.js';
import { beginWithRun, type StoredRun } from './stored-run.js';

/** Kinds of steps whose effects nothing undoes. */
const notUndoable = ['http', 'connector', 'run', 'reply', 'send'];

/** Kinds of steps that are performed like effects, and have none. */
const effectless = ['find', 'transform'];

interface UndoneStep {
  number: number;
  path: string;
  sealed_input: Buffer | null;
  sealed_result: Buffer;
}

/** An effect whose turn it is, and how to undo it. */
interface Undoing {
  number: number;
  path: string;
  owner: EffectOwner;
  input: JsonObject;
  undo: JsonObject;
}

/** What has become of it. */
interface Undone {
  step: Undoing;
  result: UndoResult;
}

/** Undoes what the steps of a claimed run have done, latest first, each outside a transaction. */
export async function compensateRun(
  em: EntityManager,
  parts: EngineParts,
  claimed: ClaimedRun,
  { leaseMs, stopping }: { leaseMs: number; stopping: AbortSignal },
): Promise<void> {
  let undone: Undone | undefined;
  for (;;) {
    const known = undone;
    const step = await withConnection(em, (client) => storeAndFind(client, parts, claimed, { undone: known, leaseMs }));
    if (!step) return;
    const { owner, path, input, undo } = step;
    const result = await performUndo(parts, effectCall(owner, { path, input }), undo, stopping);
    if (stopping.aborted && !result.isUndone && result.mayPass) return;
    undone = { step, result };
  }
}

/** @returns undefined when all is done, when the next attempt is later, or when the claim is lost */
async function storeAndFind(
  client: ClientBase,
  parts: EngineParts,
  claimed: ClaimedRun,
  { undone, leaseMs }: { undone: Undone | undefined; leaseMs: number },
): Promise<Undoing | undefined> {
  const run = await beginWithRun(client, parts.envelope, claimed);
  if (!run) {
    await client.query('rollback');
    return undefined;
  }
  const later = undone && (await storeUndone(client, claimed, run, undone));
  if (later) {
    const next = { state: 'COMPENSATING', wake: later, waitingFor: undefined, leaseMs: undefined } as const;
    await commitWith(client, stateStatements(parts.envelope, claimed, run.state, next));
    return undefined;
  }
  const step = await nextStep(client, parts, claimed, run);
  if (!step) {
    await endCompensated(client, parts, claimed, run);
    return undefined;
  }
  const next = { state: 'COMPENSATING', wake: undefined, waitingFor: undefined, leaseMs } as const;
  await commitWith(client, stateStatements(parts.envelope, claimed, run.state, next));
  return step;
}

/** Stores the result of `undo`. @returns when the next attempt is due */
async function storeUndone(
  client: ClientBase,
  { tenantId, runId }: ClaimedRun,
  { state, now }: StoredRun,
  { step, result }: Undone,
): Promise<Date | undefined> {
  const attempt = (state.undoAttempts ?? 0) + 1;
  const { path, owner } = step;
  const again = result.isUndone || !result.mayPass ? undefined : nextAttempt(owner.steps, path, attempt, now);
  if (again) {
    state.undoAttempts = attempt;
    return again;
  }
  delete state.undoAttempts;
  if (!result.isUndone) noteNotUndone(state, { ...result.problem, step: path });
  await client.query(
    `update flow_step_run set has_undo = false, state = case when $4 then 'UNDONE' else state end
     where tenant_id = $1 and run_id = $2 and number = $3`,
    [tenantId, runId, step.number, result.isUndone],
  );
  return undefined;
}

function noteNotUndone(state: RunState, problem: Problem): void {
  state.notUndone = [...(state.notUndone ?? []), problem];
}

async function nextStep(
  client: ClientBase,
  { envelope, versions }: EngineParts,
  { tenantId, runId }: ClaimedRun,
  run: StoredRun,
): Promise<Undoing | undefined> {
  const { rows } = await client.query<UndoneStep>(
    // A step also fails after its effect, when the run would keep too much.
    `select number, path, sealed_input, sealed_result from flow_step_run
     where tenant_id = $1 and run_id = $2 and state in ('SUCCEEDED', 'FAILED') and has_undo order by number desc limit 1`,
    [tenantId, runId],
  );
  const [row] = rows;
  const definition = row && (await versions.definition(client, { tenantId, ...run }));
  if (!definition) return undefined;
  const sealed = { tenantId, part: 'flow_step_run', id: runId } as const;
  const { undo = {} } = openContent<StepResult>(envelope, sealed, row.sealed_result);
  const input = row.sealed_input ? openContent<JsonObject>(envelope, sealed, row.sealed_input) : {};
  const { principalId, record, hop } = run;
  const owner = { tenantId, runId, principalId, record, hop, steps: definition.steps };
  return { number: row.number, path: row.path, input, undo, owner };
}

async function endCompensated(
  client: ClientBase,
  parts: EngineParts,
  claimed: ClaimedRun,
  { state }: StoredRun,
): Promise<void> {
  const { tenantId, runId } = claimed;
  for (const problem of await effectsThatStay(client, parts, claimed)) {
    if (!state.notUndone?.some(({ step }) => step === problem.step)) noteNotUndone(state, problem);
  }
  await pipeline(client, [lastStateStatement(parts.envelope, claimed, { state })]);
  await endRun(client, parts, { tenantId, runId, state: 'COMPENSATED', variables: state.vars });
  await client.query('commit');
  countRun('COMPENSATED');
}

/** Effects that nothing undoes, and those of which it is not known whether they have happened: latest first. */
async function effectsThatStay(
  client: ClientBase,
  { envelope }: EngineParts,
  { tenantId, runId }: ClaimedRun,
): Promise<Problem[]> {
  const { rows } = await client.query<{ path: string; state: string; sealed_result: Buffer | null }>(
    `select path, state, sealed_result from flow_step_run step
     where tenant_id = $1 and run_id = $2 and (state in ('SUCCEEDED', 'UNCERTAIN') and kind = any ($3)
       or state = 'FAILED' and effect_key is not null and kind <> all ($4) and not exists (
         select from flow_step_run later
         where later.tenant_id = $1 and later.run_id = $2 and later.path = step.path and later.number > step.number))
     order by number desc`,
    [tenantId, runId, notUndoable, effectless],
  );
  const sealed = { tenantId, part: 'flow_step_run', id: runId } as const;
  return rows.flatMap(({ path, state, sealed_result: result }): Problem[] => {
    if (state !== 'FAILED') {
      return [{ code: 'NOT_UNDOABLE', message: 'The effect of the step can not be undone.', step: path }];
    }
    const { problem } = result ? openContent<StepResult>(envelope, sealed, result) : {};
    if (!problem?.isUnknown) return [];
    return [{ code: 'OUTCOME_UNKNOWN', message: 'It is not known whether the step had its effect.', step: path }];
  });
}
