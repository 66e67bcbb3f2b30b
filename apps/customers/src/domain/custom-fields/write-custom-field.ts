import { isDeepStrictEqual } from 'node:util';
import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import { readMask, type Updatable } from '@rapport/contracts';
import { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import {
  CustomField_Type as Type,
  type CreateCustomFieldRequest,
  type CustomField as CustomFieldMessage,
  type DeleteCustomFieldRequest,
  type UndeleteCustomFieldRequest,
  type UpdateCustomFieldRequest,
} from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import type { CustomFieldType } from '@rapport/contracts/filters';
import { checkEtag } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument } from '@rapport/platform';
import { CustomField, customersSingular, storedKey } from '../../engine/fields/custom-field.entity.js';
import type { RecordType } from '../../engine/fields/record-type.js';
import { customFieldMessage } from './custom-field-message.js';
import { found, namedRecordType } from './find-custom-fields.js';
import { definitionContent, type DefinitionContent } from './definition-content.js';

/**
 * Most definitions of a record type, deleted ones included, and most options of all of them: each write of a record
 * reads them.
 */
const maxDefinitions = 200;
const maxOptions = 5_000;

const updatable: Updatable<keyof DefinitionContent> = {
  name: 'customField',
  noun: 'a custom field',
  fields: ['displayName', 'description', 'options', 'searchable'],
  fixed: {
    ...Object.fromEntries(['key', 'recordType', 'type', 'kind'].map((field) => [field, 'IMMUTABLE'])),
    ...Object.fromEntries(['etag', 'createTime', 'updateTime', 'deleteTime'].map((field) => [field, 'OUTPUT_ONLY'])),
  },
};

/**
 * Creates the definition of a request. Runs in a transaction, like every function here.
 *
 * @param types of the records that this process serves
 */
export async function createCustomField(
  em: EntityManager,
  request: CreateCustomFieldRequest,
  types: Iterable<RecordType>,
): Promise<CustomFieldMessage> {
  const wanted = sent(request);
  const recordType = await namedRecordType(em, wanted.recordType, types, 'customField.recordType');
  const type = Type[wanted.type] as CustomFieldType;
  const kind = kindOf(wanted, recordType);
  const content = definitionContent(type, wanted);
  const key = storedKey(recordType, wanted.key);
  await checkRoom(em, recordType, key);
  await checkOptionRoom(em, recordType, key, content.options.length);
  const now = new Date();
  const definition = em.create(CustomField, {
    tenantId: currentCaller().tenantId,
    key,
    recordType,
    type,
    kind,
    ...content,
    version: 1,
    createTime: now,
    updateTime: now,
  });
  await em.flush();
  return customFieldMessage(definition);
}

export async function updateCustomField(
  em: EntityManager,
  request: UpdateCustomFieldRequest,
): Promise<CustomFieldMessage> {
  const changes = sent(request);
  const mask = readMask(request.updateMask, updatable);
  const definition = live(await findForChange(em, request.key));
  checkEtag(request.etag, definition.version);
  const { displayName, description, options, searchable } = definition;
  const before = { displayName: displayName ?? null, description: description ?? null, options, searchable };
  const named = Object.fromEntries(mask.map((field) => [field, changes[field]])) as Partial<CustomFieldMessage>;
  const merged = { ...before, displayName: displayName ?? undefined, description: description ?? undefined, ...named };
  const after = definitionContent(definition.type, merged, before);
  if (isDeepStrictEqual(after, before)) return customFieldMessage(definition);
  if (after.options.length > before.options.length) {
    await checkOptionRoom(em, definition.recordType, definition.key, after.options.length);
  }
  em.assign(definition, { ...after, ...nextVersion(definition) });
  await em.flush();
  return customFieldMessage(definition);
}

export async function deleteCustomField(
  em: EntityManager,
  request: DeleteCustomFieldRequest,
): Promise<CustomFieldMessage> {
  const definition = live(await findForChange(em, request.key));
  checkEtag(request.etag, definition.version);
  const change = nextVersion(definition);
  em.assign(definition, { ...change, deleteTime: change.updateTime });
  await em.flush();
  return customFieldMessage(definition);
}

export async function undeleteCustomField(
  em: EntityManager,
  request: UndeleteCustomFieldRequest,
): Promise<CustomFieldMessage> {
  const definition = found(await findForChange(em, request.key));
  if (!definition.deleteTime) {
    throw new AppError('FAILED_PRECONDITION', 'CUSTOM_FIELD_NOT_DELETED', 'The custom field is not deleted.');
  }
  checkEtag(request.etag, definition.version);
  em.assign(definition, { ...nextVersion(definition), deleteTime: null });
  await em.flush();
  return customFieldMessage(definition);
}

function kindOf({ kind }: CustomFieldMessage, recordType: string): 'PERSON' | 'COMPANY' | null {
  if (kind === CustomerKind.UNSPECIFIED) return null;
  if (recordType === customersSingular) return CustomerKind[kind] as 'PERSON' | 'COMPANY';
  const description = 'can be set for fields of customers only';
  throw invalidArgument([{ field: 'customField.kind', reason: 'NOT_ALLOWED', description }]);
}

function live(definition: CustomField | null): CustomField {
  return found(definition?.deleteTime ? null : definition);
}

/** @throws AppError INVALID_ARGUMENT when the request lacks its definition */
function sent({ customField }: { customField?: CustomFieldMessage | undefined }): CustomFieldMessage {
  if (customField) return customField;
  throw invalidArgument([{ field: 'customField', reason: 'REQUIRED', description: 'is required' }]);
}

/** Serializes the creation of a tenant's definitions, so that each sees the earlier ones. */
async function checkRoom(em: EntityManager, recordType: string, key: string): Promise<void> {
  const { tenantId } = currentCaller();
  await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [`custom_field ${tenantId}`]);
  if (await em.findOne(CustomField, { tenantId, key })) {
    const description = 'is the key of another custom field, which may be deleted';
    throw new AppError('ALREADY_EXISTS', 'CUSTOM_FIELD_EXISTS', `customField.key: ${description}`, {
      violations: [{ field: 'customField.key', reason: 'CUSTOM_FIELD_EXISTS', description }],
    });
  }
  if ((await em.count(CustomField, { tenantId, recordType })) < maxDefinitions) return;
  const message = `A tenant can define at most ${maxDefinitions} custom fields of one type of records, deleted ones included.`;
  throw new AppError('RESOURCE_EXHAUSTED', 'CUSTOM_FIELD_LIMIT', message);
}

async function checkOptionRoom(em: EntityManager, recordType: string, key: string, options: number): Promise<void> {
  const [others] = await em.execute<{ count: number }[]>(
    `select coalesce(sum(jsonb_array_length(options)), 0)::int as count from custom_field
     where tenant_id = ? and record_type = ? and key <> ?`,
    [currentCaller().tenantId, recordType, key],
  );
  if ((others?.count ?? 0) + options <= maxOptions) return;
  const message = `The custom fields of one type of records can have at most ${maxOptions} options in all.`;
  throw new AppError('RESOURCE_EXHAUSTED', 'CUSTOM_FIELD_OPTION_LIMIT', message);
}

async function findForChange(em: EntityManager, key: string): Promise<CustomField | null> {
  const { tenantId } = currentCaller();
  return em.findOne(CustomField, { tenantId, key }, { lockMode: LockMode.PESSIMISTIC_WRITE });
}

function nextVersion({ version }: CustomField): Pick<CustomField, 'version' | 'updateTime'> {
  return { version: version + 1, updateTime: new Date() };
}
