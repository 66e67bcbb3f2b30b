import type { EntityManager } from '@mikro-orm/postgresql';
import { FlowFailureRule, type FlowDefinition } from '@rapport/contracts/rapport/flows/v1/flow';
import { pipeline, withConnection, type Statement } from '@rapport/persistence';
import type { ClientBase } from 'pg';
import { actingEnrollment } from '../enrollments/exit-gate.js';
import { Expressions } from '../interpreter/expressions.js';
import type { Advance, StepOutcome } from '../interpreter/interpret.js';
import { interestsOf } from '../interpreter/listen-steps.js';
import type { RunState, Token } from '../interpreter/run-state.js';
import { Stepper } from '../interpreter/stepper.js';
import { endRun } from '../runs/end-runs.js';
import { startOpenedListens } from '../runs/opened-listens.js';
import type { Advancing } from './advancing.js';
import type { ClaimedRun } from './claim-runs.js';
import type { EngineParts } from './engine-parts.js';
import { countAdvance } from './flow-metrics.js';
import { unknownOutcome, type EffectOwner } from './perform-effects.js';
import { startChildren } from './start-children.js';
import {
  commitWith,
  historyStatements,
  lastStateStatement,
  stateStatements,
  takenStatements,
} from './store-advance.js';
import { beginWithRun, type StoredRun } from './stored-run.js';

/** Steps of a run without a limit of its own. */
const defaultMaxSteps = 1_000;

/** What the worker does for a claimed run after a transaction. */
export type Next =
  /** It has released the run, the run has ended, or another process has it. */
  { next: 'LEAVE' } | { next: 'PERFORM'; owner: EffectOwner; tokens: readonly Token[] } | { next: 'UNDO' };

/**
 * One advance of a claimed run, in one transaction: outcomes of effects, events and times are applied, the steps
 * followed until each branch waits, and what comes next is stored.
 *
 * @param outcomes of effects that this process has performed; undefined in the first advance after the claim
 */
export async function advanceRun(
  em: EntityManager,
  parts: EngineParts,
  claimed: ClaimedRun,
  { outcomes, leaseMs }: { outcomes: readonly StepOutcome[] | undefined; leaseMs: number },
): Promise<Next> {
  return withConnection(em, async (client) => {
    const run = await beginWithRun(client, parts.envelope, claimed);
    if (!run) return lost(client, parts, claimed, outcomes ?? []);
    if (run.status === 'COMPENSATING') {
      await client.query('rollback');
      return { next: 'UNDO' };
    }
    const { tenantId, runId } = claimed;
    const definition = await parts.versions.definition(client, { tenantId, ...run });
    if (!definition) return endOrphan(client, parts, claimed, run);
    const expressions = new Expressions(parts.versions.typed(definition));
    const maxSteps = definition.limits?.maxSteps ?? defaultMaxSteps;
    const { values, maxTime } = run;
    const plan = { runId, steps: definition.steps, values, expressions, resolve: parts.resolve, maxSteps, maxTime };
    const advancing = { parts, claimed, leaseMs, run, definition, plan };
    return follow(client, advancing, outcomes ?? unknownOutcomes(run, definition));
  });
}

/** A run whose flow was deleted. */
async function endOrphan(
  client: ClientBase,
  parts: EngineParts,
  claimed: ClaimedRun,
  { state }: StoredRun,
): Promise<Next> {
  const problem = { code: 'FLOW_NOT_FOUND', message: 'The flow was deleted.' };
  await pipeline(client, [lastStateStatement(parts.envelope, claimed, { state: { ...state, problem } })]);
  await endRun(client, parts, { ...claimed, state: 'CANCELLED', variables: {} });
  await client.query('commit');
  return { next: 'LEAVE' };
}

/** Of effects that a process may have left without an outcome. */
function unknownOutcomes({ state }: StoredRun, { steps }: FlowDefinition): StepOutcome[] {
  return state.tokens.flatMap((token) => unknownOutcome(steps, token) ?? []);
}

/** Notes outcomes in the history of a run that has ended meanwhile, of steps that its end has cut off. */
async function lost(
  client: ClientBase,
  { envelope }: EngineParts,
  { tenantId, runId }: ClaimedRun,
  outcomes: readonly StepOutcome[],
): Promise<Next> {
  // Where another process has claimed the run, it repeats the effects under their keys, and stores what it learns.
  const { rows } = await client.query<{ number: number }>(
    `select number from flow_step_run where tenant_id = $1 and run_id = $2 and state = 'CANCELLED'
      and not exists (select from flow_job where run_id = $2)`,
    [tenantId, runId],
  );
  const cutOff = outcomes.filter((outcome) => rows.some(({ number }) => number === outcome.number));
  const changed = cutOff.map(({ number, result }) => {
    if ('output' in result) return { number, state: 'SUCCEEDED' as const, ...result };
    return {
      number,
      state: result.kind === 'UNCERTAIN' ? ('UNCERTAIN' as const) : ('FAILED' as const),
      problem: result.problem,
    };
  });
  await commitWith(client, historyStatements(envelope, { tenantId, runId }, { made: [], changed }));
  return { next: 'LEAVE' };
}

async function follow(client: ClientBase, advancing: Advancing, outcomes: readonly StepOutcome[]): Promise<Next> {
  const { run, plan } = advancing;
  const stepper = new Stepper(plan, run.state, run.now);
  if (run.isFlowFrozen || run.isPaused) return freeze(client, advancing, stepper.noteOutcomes(outcomes).result);
  if (run.isQueued && run.now < run.maxTime) return release(client, advancing, run.state);
  stepper.advance({ outcomes, events: run.events });
  for (let tokens = stepper.children; tokens.length > 0; tokens = stepper.children) {
    await startChildren(client, advancing, stepper, tokens);
    stepper.follow(run.events);
  }
  const advance = stepper.result;
  const next = await store(client, advancing, advance);
  countAdvance(run.state, plan.steps, advance);
  return next;
}

/** Stores an advance, and says what is next. */
async function store(client: ClientBase, advancing: Advancing, advance: Advance): Promise<Next> {
  const { parts, claimed, leaseMs, definition } = advancing;
  const { tenantId, runId } = claimed;
  const { state, status, wake, waitingFor } = advance;
  const rows = [...historyStatements(parts.envelope, claimed, advance), ...takenStatements(tenantId, runId, advance)];
  await callHooks(client, advancing, advance);
  if (status === 'SUCCEEDED' || status === 'FAILED') {
    if (status === 'FAILED' && definition.onFailure === FlowFailureRule.COMPENSATE) {
      const next = { state: 'COMPENSATING', wake: undefined, waitingFor: undefined, leaseMs } as const;
      await commitWith(client, [...rows, ...stateStatements(parts.envelope, claimed, { ...state, tokens: [] }, next)]);
      return { next: 'UNDO' };
    }
    await pipeline(client, [...rows, lastStateStatement(parts.envelope, claimed, { state, waitingFor })]);
    await endRun(client, parts, { tenantId, runId, state: status, variables: state.vars });
    await client.query('commit');
    return { next: 'LEAVE' };
  }
  const tokens = state.tokens.filter(({ phase }) => phase === 'EFFECT' || phase === 'CLOCK');
  const isPerforming = status === 'RUNNING' && tokens.length > 0;
  const next = { state: status, wake, waitingFor, leaseMs: isPerforming ? leaseMs : undefined };
  await commitWith(client, [...rows, ...stateStatements(parts.envelope, claimed, state, next)]);
  return isPerforming ? { next: 'PERFORM', owner: ownerOf(advancing), tokens } : { next: 'LEAVE' };
}

async function callHooks(client: ClientBase, advancing: Advancing, advance: Advance): Promise<void> {
  const { parts, claimed, run, plan } = advancing;
  const { tenantId, runId } = claimed;
  for (const path of advance.closedApprovals) await parts.hooks.closeApprovals(client, tenantId, runId, path);
  const approvals = advance.approvals.map((approval) => {
    return { tenantId, runId, flowId: run.flowId, record: run.record, ...approval };
  });
  if (approvals.length > 0) await parts.hooks.openApprovals(client, approvals);
  const opened = advance.openedListens.flatMap(interestsOf).filter(({ since }) => since === 'STEP_START');
  if (opened.length === 0) return;
  const start = { values: plan.values, recordId: run.record?.id, expressions: plan.expressions };
  await startOpenedListens(client, parts.envelope, { tenantId, runId, now: run.now }, { interests: opened, ...start });
}

/** A run of a frozen flow, or of a paused enrollment, keeps what its effects have done, and goes no further. */
async function freeze(client: ClientBase, advancing: Advancing, advance: Advance): Promise<Next> {
  const { parts, claimed, run } = advancing;
  const state = run.status;
  const { wake, waitingFor } = advance;
  const next = { state, wake, waitingFor, leaseMs: undefined, isFrozen: true };
  await commitWith(client, [
    lockFlow(claimed.runId),
    ...historyStatements(parts.envelope, claimed, advance),
    ...stateStatements(parts.envelope, claimed, advance.state, next),
  ]);
  return { next: 'LEAVE' };
}

/** A call that resumes the flow comes before the run is frozen, or wakes it after that. */
function lockFlow(runId: string): Statement {
  return {
    name: 'lock_flow_of_job',
    sql: `select from flow
      where (tenant_id, id) in (select tenant_id, flow_id from flow_job where run_id = $1) for share`,
    values: [runId],
  };
}

/** A run that waits for another one with its key. */
async function release(client: ClientBase, { parts, claimed, run }: Advancing, state: RunState): Promise<Next> {
  const next = { state: 'WAITING', wake: run.maxTime, waitingFor: undefined, leaseMs: undefined } as const;
  await commitWith(client, stateStatements(parts.envelope, claimed, state, next));
  return { next: 'LEAVE' };
}

export function ownerOf({ claimed, run, definition }: Pick<Advancing, 'claimed' | 'run' | 'definition'>): EffectOwner {
  const { tenantId, runId } = claimed;
  const { principalId, record, hop } = run;
  const enrollment = actingEnrollment(definition, run);
  return { tenantId, runId, principalId, record, hop, steps: definition.steps, enrollment };
}
