import type { EntityManager } from '@mikro-orm/postgresql';
import {
  FlowImportOutcome,
  type ImportAllFlowsResponse,
  type ImportedFlow,
} from '@rapport/contracts/rapport/flows/v1/flow_archives_service';
import type { FlowFault } from '@rapport/contracts/rapport/flows/v1/flows_service';
import { queryRows } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { createFlow, lockFlows } from '../write-flow.js';
import type { FileFlow } from './read-flow-file.js';

/** The ids of flows that exist already, by key. In a transaction or outside of one. */
export async function flowIds(em: EntityManager, flows: readonly FileFlow[]): Promise<ReadonlyMap<string, string>> {
  const rows = await queryRows<{ key: string; id: string }>(em, {
    sql: 'select key, id from flow where tenant_id = $1 and key = any ($2)',
    values: [currentCaller().tenantId, flows.map(({ key }) => key)],
  });
  return new Map(rows.map(({ key, id }) => [key, id]));
}

/**
 * Creates the flows whose keys are free, as drafts. Runs in a transaction.
 *
 * @param faults of the flows that did not exist before the transaction, by key
 * @throws AppError RESOURCE_EXHAUSTED; ABORTED when one of the others was deleted meanwhile
 */
export async function importFlows(
  em: EntityManager,
  flows: readonly FileFlow[],
  faults: ReadonlyMap<string, FlowFault[]>,
): Promise<ImportAllFlowsResponse> {
  await lockFlows(em, currentCaller().tenantId);
  const existing = await flowIds(em, flows);
  const imported: ImportedFlow[] = [];
  for (const flow of flows) {
    const { key } = flow;
    const flowId = existing.get(key);
    if (flowId === undefined) imported.push(await create(em, flow, faults.get(key)));
    else imported.push({ flowId, key, outcome: FlowImportOutcome.KEPT, faults: [] });
  }
  return { flows: imported };
}

async function create(em: EntityManager, flow: FileFlow, faults: FlowFault[] | undefined): Promise<ImportedFlow> {
  if (!faults) {
    throw new AppError('ABORTED', 'CONCURRENT_WRITE', `The flow ${flow.key} was deleted meanwhile. Try again.`);
  }
  const { id: flowId } = await createFlow(em, { flow });
  return { flowId, key: flow.key, outcome: FlowImportOutcome.CREATED, faults };
}
