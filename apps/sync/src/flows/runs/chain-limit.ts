import type { ClientBase } from 'pg';
import type { ChainLink, NewRun, StartOutcome } from './new-run.js';

/** Most runs that a run causes in all, by its changes and its steps `run`, and by those of the runs that it causes. */
const maxCaused = 1_000;

/** Hops bound how long a chain is; this bounds how wide it gets. Runs that start at the same moment may exceed it. */
export async function chainLimitReached(client: ClientBase, run: NewRun): Promise<StartOutcome | undefined> {
  const { tenantId, chain, flowId, record } = run;
  const rootId = rootOf(chain);
  if (rootId === undefined) return undefined;
  const { rowCount } = await client.query({
    name: 'count_caused_flow_runs',
    text: 'select from flow_run where tenant_id = $1 and root_run_id = $2 limit $3',
    values: [tenantId, rootId, maxCaused],
  });
  if ((rowCount ?? 0) < maxCaused) return undefined;
  const path = pathText([...chain, { flowId, ...(record && { recordId: record.id }) }]);
  return { suppressed: 'CHAIN_LIMIT', explanation: `The first run has caused ${maxCaused} runs: ${path}` };
}

/** The run that has led to all runs of a chain. */
export function rootOf([root]: readonly ChainLink[]): string | undefined {
  return root?.runId;
}

/** The flows and records in order, such as `flows/a (records/1) → flows/b (records/2)`. */
export function pathText(chain: readonly Omit<ChainLink, 'runId'>[]): string {
  const texts = chain.map(({ flowId, recordId }) => `flows/${flowId}${recordId === undefined ? '' : ` (${recordId})`}`);
  return texts.join(' → ');
}
