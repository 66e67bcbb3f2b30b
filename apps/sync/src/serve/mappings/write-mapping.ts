import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import { readMask, type Updatable } from '@rapport/contracts';
import type {
  CreateMappingRequest,
  DeleteMappingRequest,
  Mapping as MappingMessage,
  UpdateMappingRequest,
} from '@rapport/contracts/rapport/sync/v1/mappings_service';
import { checkEtag, queryRows, recordAuditEvent } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument, type AuditKind } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { checkRights } from '../../exchange/connections/check-rights.js';
import { findConnection } from '../../exchange/connections/find-connection.js';
import { Mapping } from '../../exchange/mappings/mapping.entity.js';
import { exchangedType } from '../../exchange/mappings/records/exchanged-types.js';
import { scheduleMappings } from '../../exchange/runs/mapping-schedule.js';
import { retryConflicts } from '../../exchange/runs/retry-conflicts.js';
import { areWriting } from '../../exchange/writes/end-writes.js';
import { rowOwner } from '../../storage/sealed-row.js';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import { findKeptKey, keepLinks, takeUpLinks } from './kept-links.js';
import type { MappingContent } from './mapping-content.js';
import { mappingMessage } from './mapping-message.js';
import { checkUnreferenced } from './referenced-mappings.js';

const maxMappings = 20;

const updatableFields = [
  ...(['fields', 'direction', 'policy', 'timeField', 'deletePolicy', 'maxDeletes', 'state'] as const),
  ...(['matchFields', 'externalIdSystem', 'filter', 'defaults'] as const),
];

export const updatableMapping: Updatable<(typeof updatableFields)[number]> = {
  name: 'mapping',
  noun: 'a mapping',
  fields: updatableFields,
  fixed: {
    ...Object.fromEntries(
      ['connectionId', 'object', 'recordType', 'customerKind'].map((field) => [field, 'IMMUTABLE']),
    ),
    ...Object.fromEntries(
      ['id', 'errorReason', 'errorMessage', 'isBackfilled', 'notes', 'etag', 'createTime', 'updateTime'].map(
        (field) => [field, 'OUTPUT_ONLY'],
      ),
    ),
  },
};

/** Handles CreateMapping, after its content was checked. Like all functions here, it runs in a transaction. */
export async function createMapping(
  em: EntityManager,
  envelope: SecretEnvelope,
  request: CreateMappingRequest,
  content: MappingContent,
): Promise<MappingMessage> {
  checkRights(exchangedType(content.object));
  const { tenantId } = currentCaller();
  const connection = await findConnection(em, sentMapping(request).connectionId, LockMode.PESSIMISTIC_WRITE);
  if ((await em.count(Mapping, { tenantId, connectionId: connection.id })) >= maxMappings) {
    const message = `A connection can have at most ${maxMappings} mappings.`;
    throw new AppError('RESOURCE_EXHAUSTED', 'MAPPING_LIMIT', message);
  }
  const [id, now] = [uuidv7(), new Date()];
  const kept = await findKeptKey(em, envelope, { ...content, tenantId, connectionId: connection.id });
  const mapping = em.create(Mapping, {
    ...content,
    tenantId,
    id,
    sealedFingerprintKey: envelope.seal(kept?.key ?? randomBytes(32), rowOwner('mapping', tenantId, id)),
    connectionId: connection.id,
    version: 1,
    createTime: now,
    updateTime: now,
  });
  await em.flush();
  await queryRows(em, {
    sql: 'insert into mapping_progress (tenant_id, mapping_id) values ($1, $2)',
    values: [tenantId, mapping.id],
  });
  if (kept) await takeUpLinks(em, mapping, kept.deletedId);
  await scheduleMappings(em, { mappingId: mapping.id });
  await note(em, 'MAPPING_CREATED', mapping);
  return mappingMessage(mapping, false);
}

export async function updateMapping(
  em: EntityManager,
  request: UpdateMappingRequest,
  content: MappingContent,
): Promise<MappingMessage> {
  checkRights(exchangedType(content.object));
  const mapping = await findMapping(em, request.id, LockMode.PESSIMISTIC_WRITE);
  checkEtag(request.etag, mapping.version);
  const before = contentOf(mapping);
  if (!isDeepStrictEqual(before, content)) {
    em.assign(mapping, {
      ...content,
      errorReason: null,
      errorMessage: null,
      version: mapping.version + 1,
      updateTime: new Date(),
    });
    await em.flush();
    await queryRows(em, retryConflicts(mapping.tenantId, [mapping.id]));
    await scheduleMappings(em, { mappingId: mapping.id });
    await note(em, 'MAPPING_CHANGED', mapping, { fields: readMask(request.updateMask, updatableMapping) });
  }
  return mappingMessage(mapping, await isBackfilled(em, mapping));
}

/** @returns the etag of a mapping that is only paused yet: it can be deleted once the writes of its runs have ended */
export async function deleteMapping(
  em: EntityManager,
  envelope: SecretEnvelope,
  request: DeleteMappingRequest,
): Promise<{ etag: string } | undefined> {
  const mapping = await findMapping(em, request.id, LockMode.PESSIMISTIC_WRITE);
  checkEtag(request.etag, mapping.version);
  await checkUnreferenced(em, mapping.tenantId, [mapping.id]);
  if (await areWriting(em, { mappingId: mapping.id })) return pause(em, mapping);
  await em.execute('delete from mapping_schedule where mapping_id = ?', [mapping.id]);
  await keepLinks(em, envelope, mapping);
  em.remove(mapping);
  await em.flush();
  await note(em, 'MAPPING_DELETED', mapping);
  return undefined;
}

async function pause(em: EntityManager, mapping: Mapping): Promise<{ etag: string }> {
  if (mapping.state !== 'PAUSED') {
    em.assign(mapping, { state: 'PAUSED', version: mapping.version + 1, updateTime: new Date() });
    await em.flush();
    await scheduleMappings(em, { mappingId: mapping.id });
    await note(em, 'MAPPING_CHANGED', mapping, { fields: ['state'] });
  }
  return { etag: mappingMessage(mapping, false).etag };
}

/** @throws AppError NOT_FOUND, also for a mapping of another tenant */
export async function findMapping(em: EntityManager, id: string, lockMode: LockMode = LockMode.NONE): Promise<Mapping> {
  const mapping = await em.findOne(Mapping, { tenantId: currentCaller().tenantId, id }, { lockMode });
  if (mapping) return mapping;
  throw new AppError('NOT_FOUND', 'MAPPING_NOT_FOUND', 'There is no such mapping.');
}

export function sentMapping({ mapping }: { mapping?: MappingMessage | undefined }): MappingMessage {
  if (mapping) return mapping;
  throw invalidArgument([{ field: 'mapping', reason: 'REQUIRED', description: 'is required' }]);
}

export async function isBackfilled(em: EntityManager, { tenantId, id }: Mapping): Promise<boolean> {
  const [row] = await queryRows<{ is_backfilled: boolean }>(em, {
    sql: `select is_peer_read and are_customers_read as is_backfilled from mapping_progress
      where tenant_id = $1 and mapping_id = $2`,
    values: [tenantId, id],
  });
  return row?.is_backfilled ?? false;
}

function contentOf(mapping: Mapping): MappingContent {
  const { object, recordType, customerKind, fields, direction, policy, timeField, deletePolicy, maxDeletes } = mapping;
  const { matchFields, externalIdSystem, filter, defaults, state } = mapping;
  return {
    ...{ object, recordType, fields, direction, policy, deletePolicy, maxDeletes, state, matchFields, defaults },
    customerKind: customerKind ?? null,
    ...{ timeField: timeField ?? null, externalIdSystem: externalIdSystem ?? null, filter: filter ?? null },
  };
}

async function note(em: EntityManager, kind: AuditKind, mapping: Mapping, more: object = {}): Promise<void> {
  const records = [`mapping/${mapping.id}`, `connection/${mapping.connectionId}`] as const;
  await recordAuditEvent(em, { kind, records, detail: { ...more } });
}
