import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { definitionJson, readDefinition, type DefinitionJson } from '../definition-json.js';

/** Flows that are read at once. A definition has up to 4 MiB. */
const pageSize = 10;

interface FlowRow {
  key: string;
  name: string;
  description: string | null;
  state: string;
  active_version: number | null;
  definition: DefinitionJson;
}

/** The lines of all flows of the caller's tenant, by key. A line is as of one moment. */
export async function* flowLines(em: EntityManager): AsyncGenerator<string> {
  const { tenantId } = currentCaller();
  let last = '';
  for (;;) {
    const page = await readForTenant<FlowRow>(em, {
      sql: `select key, name, description, state, active_version,
          coalesce(flow_version.definition, flow.definition) as definition
        from flow left join flow_version
          on flow_version.tenant_id = $1 and flow_version.flow_id = flow.id and flow_version.version = active_version
        where flow.tenant_id = $1 and key > $2 order by key limit $3`,
      values: [tenantId, last, pageSize],
    });
    yield* page.map(lineOf);
    const end = page.at(-1);
    if (!end || page.length < pageSize) return;
    last = end.key;
  }
}

function lineOf({ key, name, description, state, active_version: version, definition }: FlowRow): string {
  const flow = {
    ...{ key, name, ...(description !== null && { description }) },
    // An earlier release may have stored it.
    definition: definitionJson(readDefinition(definition)),
  };
  return `${JSON.stringify({ flow, state, ...(version !== null && { version }) })}\n`;
}
