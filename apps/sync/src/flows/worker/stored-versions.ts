import { activeFlows, definitionOf } from '../definitions/active-flows.js';
import { runValues } from '../definitions/variables.js';
import type { FlowVersions } from './engine-parts.js';

/** The versions that the workspace has published. */
export const storedVersions: FlowVersions = {
  definition: (client, version) => definitionOf(client, version),
  async active(client, tenantId, key) {
    return (await activeFlows(client, tenantId)).find((flow) => flow.key === key);
  },
  typed: (definition) => (scope) => runValues(definition, { ...scope }),
};
