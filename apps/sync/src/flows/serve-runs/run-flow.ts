import type { EntityManager } from '@mikro-orm/postgresql';
import { FlowParameterType, type FlowParameter } from '@rapport/contracts/rapport/flows/v1/flow';
import type { FlowRun, RunFlowRequest } from '@rapport/contracts/rapport/flows/v1/flow_runs_service';
import { queryRows, recordAuditEvent } from '@rapport/persistence';
import { AppError, callContext, currentCaller, invalidArgument, type FieldViolation } from '@rapport/platform';
import { activeFlows, type ActiveFlow } from '../definitions/active-flows.js';
import type { JsonObject } from '../effects/effect-port.js';
import { Expressions } from '../interpreter/expressions.js';
import type { NewRun } from '../runs/new-run.js';
import { startRuns } from '../runs/start-runs.js';
import type { EngineParts } from '../worker/engine-parts.js';
import { runMessage } from './run-message.js';
import { runColumns, type RunRow } from './run-row.js';
import { transactionClient } from './transaction-client.js';

/** Finds the flow of a manual run. @throws AppError NOT_FOUND, or FAILED_PRECONDITION if it starts none */
export async function manualFlow(em: EntityManager, flowId: string): Promise<ActiveFlow> {
  const flow = await activeFlow(em, flowId);
  if (flow.definition.trigger?.manual) return flow;
  const message = 'Only flows with the trigger `manual` can be run by a call.';
  throw new AppError('FAILED_PRECONDITION', 'FLOW_TRIGGER_UNSUPPORTED', message);
}

/** Finds a flow that starts runs. @throws AppError NOT_FOUND, or FAILED_PRECONDITION if it starts none */
export async function activeFlow(em: EntityManager, flowId: string): Promise<ActiveFlow> {
  const { tenantId } = currentCaller();
  const flow = (await activeFlows(await transactionClient(em), tenantId)).find((each) => each.flowId === flowId);
  if (flow?.state === 'ACTIVE') return flow;
  const [known] = await queryRows<{ state: string }>(em, {
    sql: 'select state from flow where tenant_id = $1 and id = $2',
    values: [tenantId, flowId],
  });
  if (!known) throw new AppError('NOT_FOUND', 'FLOW_NOT_FOUND', 'There is no such flow.');
  const details = { metadata: { state: known.state } };
  throw new AppError('FAILED_PRECONDITION', 'FLOW_STATE_WRONG', `The flow is ${known.state}, not ACTIVE.`, details);
}

/** Checks what a run is about. @returns the type of its record */
export function checkManualRun({ definition }: ActiveFlow, { run }: RunFlowRequest): string | undefined {
  const { type, inputs = [] } = definition.trigger?.manual ?? {};
  const violations = inputViolations(inputs, run?.input ?? {}, 'run.input');
  const isGiven = run?.recordId !== undefined;
  if (type !== undefined && !isGiven) {
    violations.push({ field: 'run.recordId', reason: 'REQUIRED', description: 'is required' });
  }
  if (type === undefined && isGiven) {
    violations.push({
      field: 'run.recordId',
      reason: 'UNKNOWN_FIELD',
      description: 'is not a part of runs of this flow',
    });
  }
  if (violations.length > 0) throw invalidArgument(violations);
  return type;
}

/** What is wrong with the inputs of a run. @param field of the request that has them */
export function inputViolations(
  inputs: readonly FlowParameter[],
  given: Readonly<Record<string, unknown>>,
  field: string,
): FieldViolation[] {
  const violation = (key: string, reason: FieldViolation['reason'], description: string) => ({
    ...{ field: `${field}.${key}`, reason, description },
  });
  const known = new Set(inputs.map(({ key }) => key));
  const unknown = Object.keys(given).filter((key) => !known.has(key));
  return [
    ...unknown.map((key) => violation(key, 'UNKNOWN_FIELD', 'is not an input of the flow')),
    ...inputs.flatMap(({ key, type, required }) => {
      const value = given[key];
      if (value === undefined || value === null) return required ? [violation(key, 'REQUIRED', 'is required')] : [];
      return isOfType(type, value) ? [] : [violation(key, 'WRONG_TYPE', `must be a ${FlowParameterType[type]}`)];
    }),
  ];
}

function isOfType(type: FlowParameterType, value: unknown): boolean {
  switch (type) {
    case FlowParameterType.TEXT:
      return typeof value === 'string';
    case FlowParameterType.NUMBER:
      return typeof value === 'number';
    case FlowParameterType.BOOLEAN:
      return typeof value === 'boolean';
    case FlowParameterType.TIME:
      return typeof value === 'string' && !Number.isNaN(Date.parse(value));
    default:
      return true;
  }
}

/** Starts a run of a flow. Runs in a transaction. */
export async function runFlow(
  em: EntityManager,
  parts: EngineParts,
  flow: ActiveFlow,
  about: { request: RunFlowRequest; type: string | undefined; record: JsonObject | undefined },
): Promise<FlowRun> {
  const { tenantId } = currentCaller();
  const expressions = new Expressions(parts.versions.typed(flow.definition));
  const run = newRun(flow, about);
  const { condition } = flow.definition;
  if (condition !== undefined && !expressions.isTrue(condition, { ...run.values, now: new Date(run.cause.time) })) {
    throw suppressed('CONDITION', 'The condition of the flow is not true.');
  }
  const [outcome] = await startRuns(await transactionClient(em), { ...parts, expressions }, [run]);
  if (!outcome) throw new Error('A wanted run has no outcome.');
  if ('suppressed' in outcome) {
    // Says the state that the flow has now.
    if (outcome.suppressed === 'PAUSED') await activeFlow(em, flow.flowId);
    throw suppressed(outcome.suppressed, outcome.explanation);
  }
  await recordAuditEvent(em, { kind: 'FLOW_RUN_CREATED', records: [`flow/${flow.flowId}`], detail: outcome });
  const [row] = await queryRows<RunRow>(em, {
    sql: `select ${runColumns} from flow_run where tenant_id = $1 and id = $2`,
    values: [tenantId, outcome.runId],
  });
  if (!row) throw new Error('A started run is gone.');
  return runMessage(parts.envelope, tenantId, row, true);
}

function newRun(
  { flowId, version, definition, publishedBy }: ActiveFlow,
  { request, type, record }: { request: RunFlowRequest; type: string | undefined; record: JsonObject | undefined },
): NewRun {
  const { tenantId, principalId } = currentCaller();
  const { recordId: id, input = {} } = request.run ?? {};
  return {
    ...{ tenantId, flowId, version, definition, principalId: publishedBy },
    cause: { kind: 'MANUAL', principalId, time: new Date().toISOString() },
    ...(type !== undefined && id !== undefined && { record: { type, id } }),
    ...{ hop: callContext.getStore()?.cause?.hop ?? 0, chain: [] },
    values: { input, ...(record && { record }) },
  };
}

function suppressed(reason: string, explanation: string): AppError {
  return new AppError('FAILED_PRECONDITION', 'RUN_SUPPRESSED', explanation, { metadata: { reason } });
}
