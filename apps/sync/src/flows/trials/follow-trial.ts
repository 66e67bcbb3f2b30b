import { randomUUID } from 'node:crypto';
import type { FlowDefinition } from '@rapport/contracts/rapport/flows/v1/flow';
import { runValues } from '../definitions/variables.js';
import type { EffectPort, JsonObject } from '../effects/effect-port.js';
import { resolveStep } from '../effects/resolve-step.js';
import { Expressions } from '../interpreter/expressions.js';
import type { StepRow } from '../interpreter/history.js';
import type { Advance, RunPlan, StepOutcome, StoredEvent } from '../interpreter/interpret.js';
import { initialState, type Token } from '../interpreter/run-state.js';
import { Stepper } from '../interpreter/stepper.js';
import type { StartValues } from '../runs/new-run.js';
import type { BusinessClock } from '../worker/engine-parts.js';
import { performEffects, type EffectOwner } from '../worker/perform-effects.js';

const defaultMaxSteps = 1_000;

/** Most advances of a trial: one more than its steps can have waits and attempts. */
const maxAdvances = 2_000;

/** The time that a run may take, in milliseconds: no trial waits. */
const maxAgeMs = 10 * 365 * 86_400_000;

/** A run to try. */
export interface Trial {
  tenantId: string;
  principalId: string;
  definition: FlowDefinition;
  record: EffectOwner['record'];
  values: StartValues;
  hop: number;
  /** When the run would have started. */
  start: Date;
}

/** What a trial has done. */
export interface TriedRun {
  rows: StepRow[];
  status: Advance['status'];
  problem: { code: string; message: string; step?: string } | undefined;
}

/** What a trial needs of others. */
interface Parts {
  effects: EffectPort;
  clock: BusinessClock;
  signal: AbortSignal;
}

/**
 * Follows the steps of a run with the interpreter of real runs, on a clock of its own, which moves on to the end of each
 * wait. Approvals are approved, and runs of other flows succeed.
 */
export async function followTrial(trial: Trial, { effects, clock, signal }: Parts): Promise<TriedRun> {
  const { tenantId, principalId, record, hop, definition } = trial;
  const plan = planOf(trial);
  const owner = {
    tenantId,
    principalId,
    runId: plan.runId,
    record,
    hop,
    steps: definition.steps,
  };
  const rows = new Map<number, StepRow>();
  let [state, now] = [initialState(), trial.start];
  let outcomes: StepOutcome[] = [];
  let events: StoredEvent[] = [];
  for (let advances = 0; ; advances += 1) {
    signal.throwIfAborted();
    const stepper = new Stepper(plan, state, now).advance({ outcomes, events });
    startChildren(stepper, events);
    const advance = stepper.result;
    note(rows, advance);
    ({ state } = advance);
    const { status } = advance;
    const isOver = status !== 'RUNNING' && status !== 'WAITING';
    if (isOver || advances === maxAdvances) return { rows: [...rows.values()], status, problem: state.problem };
    const performed = state.tokens.filter(({ phase }) => phase === 'EFFECT' || phase === 'CLOCK');
    // One after the other, so that a trial is the same each time.
    outcomes = [];
    for (const token of performed)
      outcomes.push(...(await performEffects({ port: effects, clock }, owner, [token], signal)));
    events = performed.length > 0 ? [] : answersOf(state.tokens, now, principalId);
    if (performed.length === 0 && events.length === 0 && status === 'WAITING') now = advance.wake ?? now;
  }
}

function planOf({ definition, values, start }: Trial): RunPlan {
  const expressions = new Expressions((scope) => runValues(definition, { ...scope }));
  const maxSteps = definition.limits?.maxSteps ?? defaultMaxSteps;
  const maxTime = new Date(start.getTime() + maxAgeMs);
  return {
    runId: randomUUID(),
    steps: definition.steps,
    values,
    expressions,
    resolve: resolveStep,
    maxSteps,
    maxTime,
  };
}

function startChildren(stepper: Stepper, events: readonly StoredEvent[]): void {
  for (let tokens = stepper.children; tokens.length > 0; tokens = stepper.children) {
    for (const token of tokens) stepper.childStarted(token, { runId: randomUUID() });
    stepper.follow(events);
  }
}

function note(rows: Map<number, StepRow>, { made, changed }: Advance): void {
  for (const row of made) rows.set(row.number, { ...row });
  for (const change of changed) {
    const row = rows.get(change.number);
    if (row) Object.assign(row, change);
  }
}

/** What approvers and other flows answer. */
function answersOf(tokens: readonly Token[], now: Date, principalId: string): StoredEvent[] {
  return tokens.flatMap(({ path, phase }): StoredEvent[] => {
    if (phase !== 'APPROVE' && phase !== 'CHILD') return [];
    const data: JsonObject =
      phase === 'APPROVE'
        ? { decision: 'APPROVED', comment: null, by: principalId }
        : { runId: randomUUID(), state: 'SUCCEEDED', variables: {} };
    return [
      {
        number: `${path} ${randomUUID()}`,
        target: path,
        eventKey: '',
        time: now.toISOString(),
        data,
      },
    ];
  });
}
