import {
  FlowRunCauseKind,
  FlowRunState,
  FlowStepState,
  type FlowProblem,
  type FlowRun,
  type FlowStepRun,
} from '@rapport/contracts/rapport/flows/v1/flow_runs_service';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import type { JsonObject } from '../effects/effect-port.js';
import type { Problem, RunState } from '../interpreter/run-state.js';
import type { StartValues } from '../runs/new-run.js';
import { openContent } from '../runs/run-content.js';
import type { StepResult } from '../worker/store-advance.js';
import { recordOf } from './record-access.js';
import type { RunRow } from './run-row.js';

/** Names of the states of steps, as the table has them. */
type StepStatus = Exclude<keyof typeof FlowStepState, 'UNSPECIFIED' | 'UNRECOGNIZED'>;

/** @param showsRecord whether the caller can read the record of the run */
export function runMessage(envelope: SecretEnvelope, tenantId: string, row: RunRow, showsRecord: boolean): FlowRun {
  const owner = { tenantId, part: 'flow_run', id: row.id } as const;
  const { input } = openContent<StartValues>(envelope, owner, row.sealed_start);
  const runState = openContent<RunState>(envelope, owner, row.sealed_state);
  const { vars, notUndone = [] } = runState;
  const problem = problemOf(row.state, runState);
  return {
    ...{ id: row.id, flowId: row.flow_id, version: row.version, state: FlowRunState[row.state] },
    cause: {
      kind: FlowRunCauseKind[row.cause_kind],
      ...{ changeId: row.cause_change_id ?? undefined, principalId: row.cause_principal_id ?? undefined },
      time: isoTime(row.cause_time),
    },
    record: showsRecord ? recordOf(row) : undefined,
    hop: row.hop,
    ...(showsRecord && { input, variables: vars }),
    wakeTime: knownTime(row.wake_time),
    waitingFor: row.waiting_for ?? undefined,
    problem: problem && problemMessage(problem, showsRecord),
    stepCount: row.step_count,
    parentRunId: row.parent_run_id ?? undefined,
    startTime: isoTime(row.start_time),
    endTime: knownTime(row.end_time),
    backfillId: row.backfill_id ?? undefined,
    notUndone: notUndone.map((each) => problemMessage(each, showsRecord)),
  };
}

function problemOf(state: RunRow['state'], { problem, tokens }: RunState): Problem | undefined {
  // It is being repeated.
  if (state === 'RUNNING' || state === 'WAITING') return tokens.find((token) => token.problem)?.problem;
  return state === 'SUCCEEDED' || state === 'EXITED' ? undefined : problem;
}

/** A message can have values of the record. */
function problemMessage({ code, message, step }: Problem, showsContent: boolean): FlowProblem {
  return { code, message: showsContent ? message : '', step };
}

export interface StepRunRow {
  number: number;
  path: string;
  key: string;
  kind: string;
  attempt: number;
  state: StepStatus;
  effect_key: string | null;
  sealed_input: Buffer | null;
  sealed_result: Buffer | null;
  start_time: string;
  end_time: string | null;
}

export const stepColumns = `number, path, key, kind, attempt, state, effect_key, sealed_input, sealed_result, start_time,
  end_time`;

export function stepMessage(
  envelope: SecretEnvelope,
  { tenantId, runId }: { tenantId: string; runId: string },
  row: StepRunRow,
  showsContent: boolean,
): FlowStepRun {
  const owner = { tenantId, part: 'flow_step_run', id: runId } as const;
  const { output, problem } = row.sealed_result ? openContent<StepResult>(envelope, owner, row.sealed_result) : {};
  const input = row.sealed_input ? openContent<JsonObject>(envelope, owner, row.sealed_input) : undefined;
  return {
    ...{ path: row.path, key: row.key, kind: row.kind, attempt: row.attempt, state: FlowStepState[row.state] },
    ...(showsContent && { input, output }),
    effectKey: row.effect_key ?? undefined,
    problem: problem && problemMessage(problem, showsContent),
    startTime: isoTime(row.start_time),
    endTime: knownTime(row.end_time),
  };
}

function knownTime(text: string | null): string | undefined {
  return text === null ? undefined : isoTime(text);
}

function isoTime(text: string): string {
  return new Date(text).toISOString();
}
