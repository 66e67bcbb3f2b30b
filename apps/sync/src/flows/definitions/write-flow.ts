import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import { readMask, type Updatable } from '@rapport/contracts';
import type { Flow as FlowMessage, FlowDefinition } from '@rapport/contracts/rapport/flows/v1/flow';
import type {
  CreateFlowRequest,
  DeleteFlowRequest,
  UpdateFlowRequest,
} from '@rapport/contracts/rapport/flows/v1/flows_service';
import { checkEtag, isUniqueViolation, queryRows, recordAuditEvent, transactionPipeline } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument, type AuditKind } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { noteFlowChange } from './active-flows.js';
import { definitionChecksum, definitionJson } from './definition-json.js';
import { flowMessage } from './flow-message.js';
import { Flow } from './flow.entity.js';

/** Most flows of a tenant. */
export const maxFlows = 200;

const updatableFlow: Updatable<'name' | 'description' | 'definition'> = {
  name: 'flow',
  noun: 'a flow',
  fields: ['name', 'description', 'definition'],
  fixed: {
    key: 'IMMUTABLE',
    ...Object.fromEntries(
      [
        ...['id', 'state', 'activeVersion', 'publishedBy', 'hasUnpublishedChanges', 'etag'],
        ...['createTime', 'updateTime', 'createdBy', 'updatedBy'],
      ].map((field) => [field, 'OUTPUT_ONLY']),
    ),
  },
};

/** Handles CreateFlow, after its draft was checked. Like all functions here, it runs in a transaction. */
export async function createFlow(em: EntityManager, request: CreateFlowRequest): Promise<FlowMessage> {
  const { key, name, description } = sentFlow(request);
  const { tenantId, principalId } = currentCaller();
  await checkRoom(em, tenantId);
  const now = new Date();
  const flow = em.create(Flow, {
    ...{ tenantId, id: uuidv7(), key, name: flowName(name), description: description ?? null, state: 'DRAFT' as const },
    ...draftOf(sentDefinition(request)),
    ...{ version: 1, createTime: now, updateTime: now, createdBy: principalId, updatedBy: principalId },
  });
  try {
    await em.flush();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new AppError('ALREADY_EXISTS', 'FLOW_KEY_TAKEN', 'Another flow has this key.', { cause: error });
  }
  await noteFlow(em, 'FLOW_CREATED', flow);
  return flowMessage(flow);
}

export async function updateFlow(em: EntityManager, request: UpdateFlowRequest): Promise<FlowMessage> {
  const sent = sentFlow(request);
  const mask = changedFields(request);
  const flow = await findFlow(em, request.id, LockMode.PESSIMISTIC_WRITE);
  checkEtag(request.etag, flow.version);
  const changes = {
    ...(mask.includes('name') && { name: flowName(sent.name) }),
    ...(mask.includes('description') && { description: sent.description ?? null }),
    ...(mask.includes('definition') && draftOf(sentDefinition(request))),
  };
  const content = ({ name, description, checksum }: Partial<Flow>) => JSON.stringify([name, description, checksum]);
  if (content({ ...pick(flow), ...changes }) === content(pick(flow))) return flowMessage(flow);
  stamp(em, flow, changes);
  await em.flush();
  await noteFlow(em, 'FLOW_CHANGED', flow, { fields: mask });
  // The name of a flow is in what the change feed knows of it.
  if (mask.includes('name') && flow.state !== 'DRAFT') await queryRows(em, noteFlowChange(flow.tenantId));
  return flowMessage(flow);
}

/** @throws AppError INVALID_ARGUMENT for an empty one */
function flowName(sent: string): string {
  const name = sent.trim();
  if (name === '') throw invalidArgument([{ field: 'flow.name', reason: 'REQUIRED', description: 'is required' }]);
  return name;
}

/** The fields that an update changes. @throws AppError INVALID_ARGUMENT */
export function changedFields({ updateMask }: UpdateFlowRequest): ('name' | 'description' | 'definition')[] {
  return readMask(updateMask, updatableFlow);
}

export async function deleteFlow(em: EntityManager, request: DeleteFlowRequest): Promise<void> {
  const flow = await findFlow(em, request.id, LockMode.PESSIMISTIC_WRITE);
  checkEtag(request.etag, flow.version);
  if (flow.state !== 'DRAFT' && flow.state !== 'RETIRED') {
    throw new AppError('FAILED_PRECONDITION', 'FLOW_IN_USE', 'Retire the flow before you delete it.');
  }
  const running = await queryRows(em, {
    sql: 'select from flow_job where tenant_id = $1 and flow_id = $2 limit 1',
    values: [flow.tenantId, flow.id],
  });
  if (running.length > 0) throw new AppError('FAILED_PRECONDITION', 'FLOW_IN_USE', 'The flow has running runs.');
  await removeRuns(em, flow);
  em.remove(flow);
  await em.flush();
  await noteFlow(em, 'FLOW_DELETED', flow);
}

/**
 * Deletes what the flow has left: approvals, decisions, and runs that have ended. The upkeep deletes runs, after it has
 * released what other services keep of them.
 */
async function removeRuns(em: EntityManager, { tenantId, id }: Flow): Promise<void> {
  const values = [tenantId, id];
  const tables = ['flow_approval', 'flow_decision', 'flow_decided', 'flow_enrollment', 'flow_backfill'];
  await transactionPipeline(em, [
    ...tables.map((table) => ({ sql: `delete from ${table} where tenant_id = $1 and flow_id = $2`, values })),
    { sql: `update flow_run set end_time = 'epoch' where tenant_id = $1 and flow_id = $2`, values },
  ]);
}

/** @throws AppError NOT_FOUND, also for a flow of another tenant */
export async function findFlow(em: EntityManager, id: string, lockMode: LockMode = LockMode.NONE): Promise<Flow> {
  const flow = await em.findOne(Flow, { tenantId: currentCaller().tenantId, id }, { lockMode });
  if (flow) return flow;
  throw new AppError('NOT_FOUND', 'FLOW_NOT_FOUND', 'There is no such flow.');
}

function sentFlow({ flow }: { flow?: FlowMessage | undefined }): FlowMessage {
  if (flow) return flow;
  throw invalidArgument([{ field: 'flow', reason: 'REQUIRED', description: 'is required' }]);
}

export function sentDefinition(request: { flow?: FlowMessage | undefined }): FlowDefinition {
  const { definition } = sentFlow(request);
  if (definition) return definition;
  throw invalidArgument([{ field: 'flow.definition', reason: 'REQUIRED', description: 'is required' }]);
}

/** Changes a locked flow, as a new version of it. */
export function stamp(em: EntityManager, flow: Flow, changes: Partial<Flow>): void {
  const { principalId } = currentCaller();
  em.assign(flow, { ...changes, version: flow.version + 1, updateTime: new Date(), updatedBy: principalId });
}

/** Stores a change in the audit chain of the tenant, in its transaction. */
export async function noteFlow(
  em: EntityManager,
  kind: AuditKind,
  { id, key }: Flow,
  detail: object = {},
): Promise<void> {
  await recordAuditEvent(em, { kind, records: [`flow/${id}`], detail: { key, ...detail } });
}

function draftOf(definition: FlowDefinition): Pick<Flow, 'definition' | 'checksum'> {
  return { definition: definitionJson(definition), checksum: definitionChecksum(definition) };
}

function pick({ name, description, checksum }: Flow): Partial<Flow> {
  return { name, description: description ?? null, checksum };
}

/** Serializes the creation of a tenant's flows: until the transaction ends, no other one creates any. */
export async function lockFlows(em: EntityManager, tenantId: string): Promise<void> {
  await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [`flow ${tenantId}`]);
}

async function checkRoom(em: EntityManager, tenantId: string): Promise<void> {
  await lockFlows(em, tenantId);
  if ((await em.count(Flow, { tenantId })) < maxFlows) return;
  throw new AppError('RESOURCE_EXHAUSTED', 'FLOW_LIMIT', `A workspace can have at most ${maxFlows} flows.`);
}
