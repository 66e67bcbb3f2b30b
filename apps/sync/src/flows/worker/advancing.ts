import type { FlowDefinition } from '@rapport/contracts/rapport/flows/v1/flow';
import type { RunPlan } from '../interpreter/interpret.js';
import type { ClaimedRun } from './claim-runs.js';
import type { EngineParts } from './engine-parts.js';
import type { StoredRun } from './stored-run.js';

/** An advance in progress. */
export interface Advancing {
  parts: EngineParts;
  claimed: ClaimedRun;
  leaseMs: number;
  run: StoredRun;
  definition: FlowDefinition;
  plan: RunPlan;
}
