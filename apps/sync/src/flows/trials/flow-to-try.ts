import type { EntityManager } from '@mikro-orm/postgresql';
import type { FlowDefinition } from '@rapport/contracts/rapport/flows/v1/flow';
import { readForTenant } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { readDefinition, type DefinitionJson } from '../definitions/definition-json.js';

interface FlowRow {
  draft: DefinitionJson;
  active_version: number | null;
  version: DefinitionJson | null;
}

/** A definition to try, and the version that it has, or will have. */
export interface FlowToTry {
  flowId: string;
  version: number;
  definition: FlowDefinition;
}

/**
 * @param version the draft when undefined
 * @throws AppError NOT_FOUND
 */
export async function flowToTry(em: EntityManager, flowId: string, version?: number): Promise<FlowToTry> {
  const { tenantId } = currentCaller();
  const [row] = await readForTenant<FlowRow>(em, {
    sql: `select flow.definition as draft, active_version, flow_version.definition as version
      from flow left join flow_version
        on flow_version.tenant_id = $1 and flow_version.flow_id = flow.id and flow_version.version = $3
      where flow.tenant_id = $1 and flow.id = $2`,
    values: [tenantId, flowId, version ?? null],
  });
  if (!row) throw new AppError('NOT_FOUND', 'FLOW_NOT_FOUND', 'There is no such flow.');
  if (version === undefined) {
    return {
      flowId,
      version: (row.active_version ?? 0) + 1,
      definition: readDefinition(row.draft),
    };
  }
  if (!row.version) throw new AppError('NOT_FOUND', 'FLOW_VERSION_NOT_FOUND', 'The flow has no such version.');
  return { flowId, version, definition: readDefinition(row.version) };
}
