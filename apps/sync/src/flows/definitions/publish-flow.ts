import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import type { Flow as FlowMessage } from '@rapport/contracts/rapport/flows/v1/flow';
import { checkEtag, queryRows, transactionPipeline, type Statement } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { lockBulk } from '../backfills/bulk-starts.js';
import { endStatements, wakeBackfills } from '../backfills/cancel-backfill.js';
import { noteFlowChange } from './active-flows.js';
import { flowMessage } from './flow-message.js';
import type { Flow } from './flow.entity.js';
import { findFlow, noteFlow, stamp } from './write-flow.js';

/** A request for a flow at a version of it. */
interface FlowRequest {
  id: string;
  etag?: string | undefined;
}

/**
 * Handles PublishFlow. Like all functions here, it runs in a transaction.
 *
 * @param checksum of the draft whose content and rights were checked
 */
export async function publishFlow(em: EntityManager, request: FlowRequest, checksum: string): Promise<FlowMessage> {
  const flow = await lockFlow(em, request);
  if (flow.state === 'RETIRED') throw new AppError('FAILED_PRECONDITION', 'FLOW_RETIRED', 'The flow is retired.');
  if (flow.checksum !== checksum) {
    throw new AppError('ABORTED', 'ETAG_MISMATCH', 'The flow was changed meanwhile. Read it again.');
  }
  const { principalId } = currentCaller();
  if (flow.activeChecksum === checksum && flow.publishedBy === principalId) return flowMessage(flow);
  const [last] = await queryRows<{ version: number }>(em, {
    sql: 'select max(version) as version from flow_version where tenant_id = $1 and flow_id = $2',
    values: [flow.tenantId, flow.id],
  });
  const version = (last?.version ?? 0) + 1;
  stamp(em, flow, {
    // A paused flow stays so.
    state: flow.state === 'DRAFT' ? 'ACTIVE' : flow.state,
    ...{ activeVersion: version, activeChecksum: checksum, publishedBy: principalId },
  });
  await em.flush();
  await transactionPipeline(em, [
    {
      sql: `insert into flow_version (tenant_id, flow_id, version, definition, checksum, published_by, publish_time)
        values ($1, $2, $3, $4, $5, $6, $7)`,
      values: [
        ...[flow.tenantId, flow.id, version, JSON.stringify(flow.definition), checksum],
        ...[principalId, flow.updateTime.toISOString()],
      ],
    },
    noteFlowChange(flow.tenantId),
  ]);
  await noteFlow(em, 'FLOW_PUBLISHED', flow, { version, checksum });
  return flowMessage(flow);
}

/** States that calls change a flow to, from which ones, and the kind of the audit entry. */
const transitions = {
  PAUSED: { from: ['ACTIVE', 'FROZEN'], kind: 'FLOW_PAUSED' },
  FROZEN: { from: ['ACTIVE', 'PAUSED'], kind: 'FLOW_FROZEN' },
  ACTIVE: { from: ['PAUSED', 'FROZEN'], kind: 'FLOW_RESUMED' },
  RETIRED: { from: ['ACTIVE', 'PAUSED', 'FROZEN'], kind: 'FLOW_RETIRED' },
} as const;

export async function changeState(
  em: EntityManager,
  request: FlowRequest,
  state: keyof typeof transitions,
): Promise<FlowMessage> {
  const flow = await lockFlow(em, request);
  const { from, kind } = transitions[state];
  if (!(from as readonly string[]).includes(flow.state)) {
    const message = `The flow is ${flow.state}. It has to be ${from.join(' or ')}.`;
    throw new AppError('FAILED_PRECONDITION', 'FLOW_STATE_WRONG', message, { metadata: { state: flow.state } });
  }
  const wasFrozen = flow.state === 'FROZEN';
  stamp(em, flow, { state });
  await em.flush();
  // The workers freeze the runs of a frozen flow one by one.
  // A paused flow pauses its backfills, a retired one ends them.
  const backfills: Statement[] =
    state === 'RETIRED'
      ? [lockBulk(flow.id), ...endStatements(flow.tenantId, flow.id, { reason: 'FLOW_RETIRED' })]
      : [wakeBackfills(flow.tenantId, flow.id)];
  const wakeRuns =
    'update flow_job set is_frozen = false where tenant_id = $1 and flow_id = $2 and held_number is null';
  await transactionPipeline(em, [
    noteFlowChange(flow.tenantId),
    ...(wasFrozen ? [{ sql: wakeRuns, values: [flow.tenantId, flow.id] }] : []),
    ...backfills,
  ]);
  await noteFlow(em, kind, flow);
  return flowMessage(flow);
}

async function lockFlow(em: EntityManager, { id, etag }: FlowRequest): Promise<Flow> {
  const flow = await findFlow(em, id, LockMode.PESSIMISTIC_WRITE);
  checkEtag(etag, flow.version);
  return flow;
}
