import type { EntityManager } from '@mikro-orm/postgresql';
import {
  FlowImportOutcome,
  type ImportAllFlowsResponse,
  type ImportedFlow,
} from '@rapport/contracts/rapport/flows/v1/flow_archives_service';
import type { FlowFault } from '@rapport/contracts/rapport/flows/v1/flows_service';
import { queryRows } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { createFlow, lockFlows } from '../write-flow.js';
import type { FileFlow } from './read-flow-file.js';

/**
 * Creates the flows whose keys are free, as drafts. Runs in a transaction.
 *
 * @param faults of each flow
 * @throws AppError RESOURCE_EXHAUSTED
 */
export async function importFlows(
  em: EntityManager,
  flows: readonly FileFlow[],
  faults: readonly FlowFault[][],
): Promise<ImportAllFlowsResponse> {
  const { tenantId } = currentCaller();
  await lockFlows(em, tenantId);
  const rows = await queryRows<{ key: string; id: string }>(em, {
    sql: 'select key, id from flow where tenant_id = $1 and key = any ($2)',
    values: [tenantId, flows.map(({ key }) => key)],
  });
  const existing = new Map(rows.map(({ key, id }) => [key, id]));
  const imported: ImportedFlow[] = [];
  for (const [index, flow] of flows.entries()) {
    const { key } = flow;
    const flowId = existing.get(key);
    imported.push(
      flowId === undefined
        ? {
            ...{ flowId: (await createFlow(em, { flow })).id, key },
            ...{ outcome: FlowImportOutcome.CREATED, faults: faults[index] ?? [] },
          }
        : { flowId, key, outcome: FlowImportOutcome.KEPT, faults: [] },
    );
  }
  return { flows: imported };
}
