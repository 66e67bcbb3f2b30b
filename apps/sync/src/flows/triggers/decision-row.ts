import { FlowDecisionOutcome, type FlowDecision } from '@rapport/contracts/rapport/flows/v1/flow_decisions_service';
import { recordOf } from '../serve-runs/record-access.js';

/** A stored decision. */
export interface DecisionRow {
  id: string;
  flow_id: string;
  version: number;
  change_id: string;
  record_type: string;
  record_id: string;
  outcome: 'STARTED' | 'SUPPRESSED';
  reason: string | null;
  explanation: string | null;
  run_id: string | null;
  decide_time: string | Date;
}

export const decisionColumns =
  'id, flow_id, version, change_id, record_type, record_id, outcome, reason, explanation, run_id, decide_time';

/** @param showsRecord whether the caller can read the record */
export function decisionMessage(row: DecisionRow, showsRecord: boolean): FlowDecision {
  return {
    flowId: row.flow_id,
    version: row.version,
    changeId: row.change_id,
    record: showsRecord ? recordOf(row) : undefined,
    outcome: FlowDecisionOutcome[row.outcome],
    reason: row.reason ?? undefined,
    explanation: row.explanation ?? undefined,
    runId: row.run_id ?? undefined,
    time: new Date(row.decide_time).toISOString(),
  };
}
