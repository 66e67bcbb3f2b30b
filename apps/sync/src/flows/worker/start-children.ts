import type { ClientBase } from 'pg';
import { Expressions } from '../interpreter/expressions.js';
import type { Problem, Token } from '../interpreter/run-state.js';
import type { Stepper } from '../interpreter/stepper.js';
import type { ChainLink, NewRun } from '../runs/new-run.js';
import { startRuns } from '../runs/start-runs.js';
import type { Advancing } from './advancing.js';
import type { ActiveVersion } from './engine-parts.js';

/** Most automatic steps that follow each other. */
const maxHop = 8;

/** Starts the runs of steps `run`, in the transaction that stores the step. */
export async function startChildren(
  client: ClientBase,
  advancing: Advancing,
  stepper: Stepper,
  tokens: readonly Token[],
): Promise<void> {
  for (const token of tokens) stepper.childStarted(token, await startChild(client, advancing, stepper, token));
}

async function startChild(
  client: ClientBase,
  advancing: Advancing,
  stepper: Stepper,
  token: Token,
): Promise<{ runId: string } | Omit<Problem, 'step'>> {
  const { parts, claimed, run } = advancing;
  const { tenantId, runId } = claimed;
  const { flow: key, waits } = stepper.stepAt(token.path).run ?? { flow: '', waits: false };
  const flow = await parts.versions.active(client, tenantId, key);
  const chain = [...run.chain, { runId, flowId: run.flowId, ...(run.record && { recordId: run.record.id }) }];
  if (flow?.state !== 'ACTIVE' || !flow.definition.trigger?.subflow) {
    return notActive(key);
  }
  const fault = loopFault(flow, run.hop, chain);
  if (fault) return fault;
  const child: NewRun = {
    ...{ tenantId, flowId: flow.flowId, version: flow.version, definition: flow.definition },
    principalId: flow.publishedBy,
    cause: { kind: 'SUBFLOW', principalId: run.principalId, time: run.now.toISOString() },
    ...{ hop: run.hop + 1, chain, values: { input: token.input ?? {} } },
    parent: { runId, ...(waits && { path: token.path }) },
  };
  const expressions = new Expressions(parts.versions.typed(flow.definition));
  const [outcome] = await startRuns(client, { ...parts, expressions }, [child]);
  if (!outcome) throw new Error('A wanted run has no outcome.');
  if ('runId' in outcome) return outcome;
  return outcome.suppressed === 'PAUSED' ? notActive(key) : { code: 'RUN_SUPPRESSED', message: outcome.explanation };
}

function notActive(key: string): Omit<Problem, 'step'> {
  return { code: 'FLOW_NOT_FOUND', message: `There is no active flow ${key} with the trigger subflow.` };
}

/** Why a run would not end. */
function loopFault(flow: ActiveVersion, hop: number, chain: readonly ChainLink[]): Omit<Problem, 'step'> | undefined {
  if (hop >= maxHop) return { code: 'HOP_LIMIT', message: `More than ${maxHop} automatic steps follow each other.` };
  const isLoop = !flow.definition.followsItself && chain.some(({ flowId }) => flowId === flow.flowId);
  if (!isLoop) return undefined;
  const path = [...chain.map(({ flowId }) => flowId), flow.flowId].join(' → ');
  return { code: 'LOOP', message: `The flow has led to this run: ${path}.` };
}
