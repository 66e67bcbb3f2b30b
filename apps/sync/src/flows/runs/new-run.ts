import type { FlowDefinition } from '@rapport/contracts/rapport/flows/v1/flow';
import type { JsonObject } from '../effects/effect-port.js';

/** A run that a trigger, a call or a step asks for. */
export interface NewRun {
  tenantId: string;
  flowId: string;
  version: number;
  /** Of the version. */
  definition: FlowDefinition;
  /** The principal that published the version: the run has its rights. */
  principalId: string;
  cause: {
    kind: 'RECORD' | 'TIME_FIELD' | 'SCHEDULE' | 'MANUAL' | 'SUBFLOW' | 'SEGMENT' | 'WEBHOOK';
    changeId?: string;
    principalId?: string;
    /** RFC 3339. */
    time: string;
  };
  record?: { type: string; id: string };
  /** Number of automatic steps between the request of a user or client and the run. */
  hop: number;
  /** The runs that led to this one, oldest first, without it. */
  chain: readonly ChainLink[];
  values: StartValues;
  /** For WEBHOOK: the hash of the key of the call. */
  hookKey?: Buffer;
  /** The run that waits for this one, and the path of its step. */
  parent?: { runId: string; path?: string };
  /** For runs that changes, times and backfills start, in a transaction that has locked the state of the flow. */
  bulk?: BulkStart;
}

/** How a run begins that the limit of its flow for runs in progress counts. */
export interface BulkStart {
  /** The backfill that starts the run. */
  backfillId?: string;
  /** The run waits for its turn in the backfill, by this number. */
  heldNumber?: number;
}

/** A run in the chain of causes of another one. */
export interface ChainLink {
  runId: string;
  flowId: string;
  recordId?: string;
}

/** What expressions read of the start of a run. It never changes. */
export interface StartValues {
  record?: JsonObject;
  before?: JsonObject;
  /** `operation`, `changedFields`, `time`, `actor`. */
  change?: JsonObject;
  input: JsonObject;
}

/** What became of a wanted run. */
export type StartOutcome =
  | { runId: string }
  /**
   * It was not started, because the flow was paused meanwhile, or of a limit, also of all that one run causes, the rule of concurrency,
   * or the rule of reentry of its flow.
   */
  | {
      suppressed: 'PAUSED' | 'CONCURRENT' | 'RECORD_LIMIT' | 'CHAIN_LIMIT' | 'ENROLLED' | 'REENTRY';
      explanation: string;
    };

/** An event for a step that waits, or that the run has not reached yet. */
export interface RunEvent {
  tenantId: string;
  runId: string;
  /** The step that it is for: its key for events of `listen`, its path otherwise. */
  target: string;
  /** Key of the event of a `listen`; empty otherwise. */
  eventKey: string;
  /** Of the change or signal: it counts once. */
  eventId: string;
  /** RFC 3339. */
  time: string;
  data: JsonObject;
}
