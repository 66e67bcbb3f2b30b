import type { FlowDefinition } from '@rapport/contracts/rapport/flows/v1/flow';
import type { Step } from '@rapport/contracts/rapport/flows/v1/steps';
import type { ClientBase } from 'pg';
import type { EffectPort, Json, JsonObject } from '../effects/effect-port.js';
import type { TypedScope } from '../interpreter/expressions.js';
import type { ExitGate } from '../enrollments/exit-gate.js';
import type { EndParts } from '../runs/end-runs.js';

/** What the engine needs of other parts. */
export interface EngineParts extends EndParts {
  port: EffectPort;
  /** Replaces the expressions of a step with an effect by their values. */
  resolve: (step: Step, evaluate: (text: string) => Json) => JsonObject;
  clock: BusinessClock;
  versions: FlowVersions;
  gate: Pick<ExitGate, 'reasonOf'>;
}

/** Ends of business time. */
export interface BusinessClock {
  /** @returns the time in RFC 3339 @throws EffectError */
  due(question: BusinessTime, signal: AbortSignal): Promise<string>;
}

export interface BusinessTime {
  tenantId: string;
  principalId: string;
  calendarId: string;
  seconds: number;
  /** RFC 3339. */
  from: string;
}

/** Published versions of flows. The tenant of the client is set. */
export interface FlowVersions {
  /** Undefined after the flow was deleted. */
  definition(
    client: ClientBase,
    version: { tenantId: string; flowId: string; version: number },
  ): Promise<FlowDefinition | undefined>;
  /** The active version of a flow, by its key. */
  active(client: ClientBase, tenantId: string, key: string): Promise<ActiveVersion | undefined>;
  typed(definition: FlowDefinition): TypedScope;
}

export interface ActiveVersion {
  flowId: string;
  version: number;
  state: string;
  definition: FlowDefinition;
  publishedBy: string;
}
