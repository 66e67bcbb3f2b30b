import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import { readMask, type Updatable } from '@rapport/contracts';
import {
  DeliveryLimitState,
  type CreateDeliveryLimitRequest,
  type DeleteDeliveryLimitRequest,
  type DeliveryLimit as DeliveryLimitMessage,
  type UnblockDeliveryLimitRequest,
  type UpdateDeliveryLimitRequest,
} from '@rapport/contracts/rapport/mail/v1/delivery_limits_service';
import { checkEtag, formatEtag, isUniqueViolation, recordAuditEvent } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument, type AuditKind } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { DeliveryLimit } from './delivery-limit.entity.js';
import { openPace, stateAt } from './pace-of-domain.js';

const maxLimits = 200;

const updatable: Updatable<'rate' | 'connections'> = {
  name: 'deliveryLimit',
  noun: 'a delivery limit',
  fields: ['rate', 'connections'],
  fixed: {
    match: 'IMMUTABLE',
    ...Object.fromEntries(
      ['id', 'state', 'until', 'lastReply', 'etag', 'createTime', 'updateTime', 'createdBy', 'updatedBy'].map(
        (field) => [field, 'OUTPUT_ONLY' as const],
      ),
    ),
  },
};

/** Handles CreateDeliveryLimit. Like all functions here, it runs in a transaction. */
export async function createDeliveryLimit(
  em: EntityManager,
  { deliveryLimit }: CreateDeliveryLimitRequest,
): Promise<DeliveryLimitMessage> {
  const wanted = checked(deliveryLimit);
  const { tenantId, principalId } = currentCaller();
  await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [`delivery limit ${tenantId}`]);
  if ((await em.count(DeliveryLimit, { tenantId })) >= maxLimits) {
    const text = `A workspace has at most ${maxLimits} delivery limits.`;
    throw new AppError('RESOURCE_EXHAUSTED', 'DELIVERY_LIMIT_LIMIT', text);
  }
  const now = new Date();
  const limit = em.create(DeliveryLimit, {
    ...{ tenantId, id: uuidv7(), match: wanted.match.toLowerCase(), ...settings(wanted), ...openPace, lastReply: null },
    ...{ version: 1, createTime: now, updateTime: now, createdBy: principalId, updatedBy: principalId },
  });
  try {
    await em.flush();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new AppError('ALREADY_EXISTS', 'MATCH_TAKEN', 'The domain has a delivery limit.');
  }
  await note(em, 'DELIVERY_LIMIT_CREATED', limit);
  return limitMessage(limit);
}

export async function updateDeliveryLimit(
  em: EntityManager,
  { id, etag, updateMask, deliveryLimit }: UpdateDeliveryLimitRequest,
): Promise<DeliveryLimitMessage> {
  const mask = readMask(updateMask, updatable);
  const limit = await findLimit(em, id, LockMode.PESSIMISTIC_WRITE);
  checkEtag(etag, limit.version);
  const changes = Object.fromEntries(mask.map((field) => [field, deliveryLimit?.[field]]));
  const wanted = checked({ ...limitMessage(limit), ...changes });
  return change(em, limit, settings(wanted));
}

/** Handles UnblockDeliveryLimit. */
export async function unblockDeliveryLimit(
  em: EntityManager,
  { id, etag }: UnblockDeliveryLimitRequest,
): Promise<DeliveryLimitMessage> {
  const limit = await findLimit(em, id, LockMode.PESSIMISTIC_WRITE);
  checkEtag(etag, limit.version);
  return change(em, limit, { ...openPace });
}

export async function deleteDeliveryLimit(em: EntityManager, { id, etag }: DeleteDeliveryLimitRequest): Promise<void> {
  const limit = await findLimit(em, id, LockMode.PESSIMISTIC_WRITE);
  checkEtag(etag, limit.version);
  em.remove(limit);
  await em.flush();
  await note(em, 'DELIVERY_LIMIT_DELETED', limit);
}

/** @throws AppError NOT_FOUND, also for a limit of another tenant */
export async function findLimit(em: EntityManager, id: string, lockMode: LockMode = LockMode.NONE) {
  const limit = await em.findOne(DeliveryLimit, { tenantId: currentCaller().tenantId, id }, { lockMode });
  if (limit) return limit;
  throw new AppError('NOT_FOUND', 'DELIVERY_LIMIT_NOT_FOUND', 'There is no such delivery limit.');
}

export function limitMessage(limit: DeliveryLimit): DeliveryLimitMessage {
  const { rateCount, rateSeconds } = limit;
  const { state, until } = stateAt(limit, new Date());
  return {
    ...{ id: limit.id, match: limit.match, connections: limit.connections },
    rate: rateCount && rateSeconds ? { count: rateCount, perSeconds: rateSeconds } : undefined,
    ...{ state: DeliveryLimitState[state], until: until?.toISOString(), lastReply: limit.lastReply ?? undefined },
    etag: formatEtag(limit.version),
    ...{ createTime: limit.createTime.toISOString(), updateTime: limit.updateTime.toISOString() },
    ...{ createdBy: limit.createdBy, updatedBy: limit.updatedBy },
  };
}

async function change(em: EntityManager, limit: DeliveryLimit, changes: Partial<DeliveryLimit>) {
  const { principalId } = currentCaller();
  em.assign(limit, { ...changes, version: limit.version + 1, updateTime: new Date(), updatedBy: principalId });
  await em.flush();
  await note(em, 'DELIVERY_LIMIT_CHANGED', limit);
  return limitMessage(limit);
}

function checked(limit: DeliveryLimitMessage | undefined): DeliveryLimitMessage {
  if (!limit) throw invalidArgument([{ field: 'deliveryLimit', reason: 'REQUIRED', description: 'is required' }]);
  if (limit.rate || limit.connections > 0) return limit;
  const description = 'is required without connections';
  throw invalidArgument([{ field: 'deliveryLimit.rate', reason: 'REQUIRED', description }]);
}

function settings({ rate, connections }: DeliveryLimitMessage) {
  return { rateCount: rate?.count ?? null, rateSeconds: rate?.perSeconds ?? null, connections };
}

async function note(em: EntityManager, kind: AuditKind, { id, match }: DeliveryLimit): Promise<void> {
  await recordAuditEvent(em, { kind, records: [`deliveryLimit/${id}`], detail: { match } });
}
