import type { FlowDefinition } from '@rapport/contracts/rapport/flows/v1/flow';
import { pipeline, settingStatement, type Statement } from '@rapport/persistence';
import { LRUCache } from 'lru-cache';
import type { ClientBase } from 'pg';
import { readDefinition, type DefinitionJson } from './definition-json.js';

/** A published version of a flow that is not retired. */
export interface ActiveFlow {
  tenantId: string;
  flowId: string;
  key: string;
  name: string;
  version: number;
  /** Only `ACTIVE` ones start runs. */
  state: 'ACTIVE' | 'PAUSED' | 'FROZEN';
  definition: FlowDefinition;
  /** The principal with whose rights runs act. */
  publishedBy: string;
  publishTime: Date;
}

interface KnownFlows {
  revision: string;
  flows: readonly ActiveFlow[];
}

/** Per tenant. Definitions are small; a process that serves more tenants reads those again that it has not used lately. */
const known = new LRUCache<string, KnownFlows>({ max: 1_000 });

/**
 * The active versions of a tenant's flows, by key, as the transaction of the client sees them. Paused ones are among
 * them: what would start them is SUPPRESSED.
 *
 * @param client its transaction has the tenant from then on
 */
export async function activeFlows(client: ClientBase, tenantId: string): Promise<readonly ActiveFlow[]> {
  const [, { rows } = { rows: [] }] = await pipeline(client, [
    settingStatement({ 'app.tenant_id': tenantId }),
    { name: 'flow_revision', sql: 'select revision from flow_tenant where tenant_id = $1', values: [tenantId] },
  ]);
  const [{ revision } = { revision: undefined }] = rows as { revision: string }[];
  if (revision === undefined) return [];
  const kept = known.get(tenantId);
  if (kept?.revision === revision) return kept.flows;
  const { rows: active } = await client.query<ActiveRow>(activeVersions, [tenantId]);
  const flows = active.map((row) => ({ ...row, definition: readDefinition(row.definition) }));
  known.set(tenantId, { revision, flows });
  return flows;
}

interface ActiveRow extends Omit<ActiveFlow, 'definition'> {
  definition: DefinitionJson;
}

const activeVersions = `select flow.tenant_id as "tenantId", flow.id as "flowId", key, name,
    version.version, state, version.definition, version.published_by as "publishedBy", publish_time as "publishTime"
  from flow join flow_version version
    on version.tenant_id = flow.tenant_id and version.flow_id = flow.id and version.version = flow.active_version
  where flow.tenant_id = $1 and state in ('ACTIVE', 'PAUSED', 'FROZEN') order by key`;

/**
 * Locks a flow against changes of its state until the transaction ends: the answer to a call that pauses it comes after the runs that
 * the transaction starts. Before the lock of its starts, as in calls that change the state. `isActive` of the row says whether it
 * starts runs now, whatever was read before.
 */
export function lockState({ tenantId, flowId }: Pick<ActiveFlow, 'tenantId' | 'flowId'>): Statement {
  return {
    name: 'lock_flow_state',
    sql: `select state = 'ACTIVE' as "isActive" from flow where tenant_id = $1 and id = $2 for share`,
    values: [tenantId, flowId],
  };
}

/** Says that what can start runs of the tenant has changed, in the transaction that changes it. */
export function noteFlowChange(tenantId: string): Statement {
  return {
    sql: `insert into flow_tenant (tenant_id, revision) values ($1, 1)
      on conflict (tenant_id) do update set revision = flow_tenant.revision + 1`,
    values: [tenantId],
  };
}

/** Versions never change. */
const versions = new LRUCache<string, FlowDefinition>({ max: 2_000 });

/**
 * The definition of a version, which runs follow also after another one was published.
 *
 * @param client with the tenant
 * @returns undefined after the flow was deleted
 */
export async function definitionOf(
  client: ClientBase,
  { tenantId, flowId, version }: Pick<ActiveFlow, 'tenantId' | 'flowId' | 'version'>,
): Promise<FlowDefinition | undefined> {
  const name = `${tenantId} ${flowId} ${version}`;
  const kept = versions.get(name);
  if (kept) return kept;
  const { rows } = await client.query<{ definition: DefinitionJson }>(
    'select definition from flow_version where tenant_id = $1 and flow_id = $2 and version = $3',
    [tenantId, flowId, version],
  );
  const definition = rows[0] && readDefinition(rows[0].definition);
  if (definition) versions.set(name, definition);
  return definition;
}
