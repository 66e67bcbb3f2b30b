import type { ClientBase } from 'pg';
import type { ChainLink } from '../runs/new-run.js';
import { chainBehind } from './loop-brake.js';
import type { ChangeFacts } from './match-trigger.js';

/** The runs that led to changes. */
export interface CauseChains {
  /** Oldest first; empty for a change that no run has caused. */
  of: (change: Pick<ChangeFacts, 'causationId'>) => readonly ChainLink[];
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The cause of a write of a run is the run. @param client with the tenant */
export async function causeChains(
  client: ClientBase,
  tenantId: string,
  changes: readonly Pick<ChangeFacts, 'causationId'>[],
): Promise<CauseChains> {
  // Causes are texts of any form: others name operations, or come from callers.
  const causes = changes.flatMap(({ causationId }) => (causationId && uuid.test(causationId) ? [causationId] : []));
  if (causes.length === 0) return { of: () => [] };
  const { rows } = await client.query<{ id: string; flow_id: string; record_id: string | null; chain: ChainLink[] }>({
    name: 'flow_runs_as_causes',
    text: 'select id, flow_id, record_id, chain from flow_run where tenant_id = $1 and id = any ($2::uuid[])',
    values: [tenantId, [...new Set(causes)]],
  });
  const chains = new Map(
    rows.map(({ id, flow_id: flowId, record_id: recordId, chain }) => [
      id,
      chainBehind({ runId: id, flowId, ...(recordId !== null && { recordId }), chain }),
    ]),
  );
  return { of: ({ causationId = '' }) => chains.get(causationId.toLowerCase()) ?? [] };
}
