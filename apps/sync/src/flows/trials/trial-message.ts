import { FlowRunState, FlowStepState, type FlowStepRun } from '@rapport/contracts/rapport/flows/v1/flow_runs_service';
import type { FlowTrial } from '@rapport/contracts/rapport/flows/v1/flow_trials_service';
import type { StepRow } from '../interpreter/history.js';
import type { TriedRun } from './follow-trial.js';

/** The steps of a trial as the API shows them, and the state in which the run would end. */
export function trialMessage({ rows, status, problem }: TriedRun): Pick<FlowTrial, 'steps' | 'state' | 'problem'> {
  return {
    steps: rows.map(stepMessage),
    state: FlowRunState[status],
    problem: problem && { step: undefined, ...problem },
  };
}

function stepMessage({ state, input, output, effectKey, problem, endTime, ...row }: StepRow): FlowStepRun {
  return {
    ...{
      path: row.path,
      key: row.key,
      kind: row.kind,
      attempt: row.attempt,
      startTime: row.startTime,
    },
    ...{ state: FlowStepState[state], input, output, effectKey, endTime },
    problem: problem && { step: undefined, ...problem },
  };
}
