import type { Step } from '@rapport/contracts/rapport/flows/v1/steps';
import type { ClientBase } from 'pg';

/** An approval that a step of a run asks for. */
export interface NewApproval {
  tenantId: string;
  runId: string;
  flowId: string;
  /** Of the step in the run; `resumeWait` takes it with `{decision, comment, by}`. */
  path: string;
  step: Step;
  question: string;
  record: { type: string; id: string } | undefined;
  /** RFC 3339. The engine itself ends the wait with TIMED_OUT then, and closes the approval. */
  dueTime: string;
}

/** What other parts of flows do when a run advances. Each runs in the transaction that stores the run. */
export interface RunHooks {
  openApprovals(client: ClientBase, approvals: readonly NewApproval[]): Promise<void>;
  /** Ends approvals without a decision. @param path of one step; all of the run when undefined */
  closeApprovals(client: ClientBase, tenantId: string, runId: string, path?: string): Promise<void>;
}

/** Releases what is kept under the effect keys of runs, before the runs are deleted. Outside a transaction. */
export type ReleaseRuns = (tenantId: string, runIds: readonly string[]) => Promise<void>;
