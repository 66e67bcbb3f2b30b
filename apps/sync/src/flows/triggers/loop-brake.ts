import { pathText } from '../runs/chain-limit.js';
import type { ChainLink } from '../runs/new-run.js';

/** Most automatic steps that follow each other: runs of flows, and writes of mappings. */
export const maxHops = 8;

/** Most links of a chain that are kept: each adds a hop, apart from those of subflows. */
const maxLinks = 50;

/** Why a change that a run has caused starts no further run. */
export interface Brake {
  reason: 'LOOP' | 'HOP_LIMIT';
  explanation: string;
}

/** A flow and a record, for which a change would start a run. */
export interface Candidate {
  flowId: string;
  recordId: string;
  followsItself: boolean;
}

/**
 * Whether the cause chain of a change forbids a run: the chain has the same flow for the same record, or is too long.
 *
 * @param chain of the runs that led to the change, oldest first
 * @param hop of the change
 */
export function brakeOf(
  { flowId, recordId, followsItself }: Candidate,
  chain: readonly ChainLink[],
  hop: number,
): Brake | undefined {
  const first = chain.findIndex((link) => link.flowId === flowId && link.recordId === recordId);
  if (first !== -1 && !followsItself) {
    return { reason: 'LOOP', explanation: pathText([...chain.slice(first), { flowId, recordId }]) };
  }
  if (hop + 1 <= maxHops) return undefined;
  const path = pathText([...chain, { flowId, recordId }]);
  return { reason: 'HOP_LIMIT', explanation: `More than ${maxHops} automatic steps would follow each other: ${path}` };
}

/** The chain of what a run causes. */
export function chainBehind(run: ChainLink & { chain: readonly ChainLink[] }): ChainLink[] {
  const { runId, flowId, recordId } = run;
  return [...run.chain, { runId, flowId, ...(recordId !== undefined && { recordId }) }].slice(-maxLinks);
}
