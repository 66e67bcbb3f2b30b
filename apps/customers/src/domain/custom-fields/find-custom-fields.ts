import type { EntityManager } from '@mikro-orm/postgresql';
import type {
  CustomField as CustomFieldMessage,
  GetCustomFieldRequest,
  ListCustomFieldsRequest,
  ListCustomFieldsResponse,
} from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { AppError, currentCaller, invalidArgument } from '@rapport/platform';
import { customersSingular, CustomField } from '../../engine/fields/custom-field.entity.js';
import type { RecordType } from '../../engine/fields/record-type.js';
import { checkParent, typeOfParent } from '../../engine/records/parents.js';
import { customFieldMessage } from './custom-field-message.js';

export async function getCustomField(em: EntityManager, { key }: GetCustomFieldRequest): Promise<CustomFieldMessage> {
  const { tenantId } = currentCaller();
  return customFieldMessage(found(await em.findOne(CustomField, { tenantId, key })));
}

/** @param types of the records that this process serves */
export async function listCustomFields(
  em: EntityManager,
  request: ListCustomFieldsRequest,
  types: Iterable<RecordType>,
): Promise<ListCustomFieldsResponse> {
  const recordType = await namedRecordType(em, request.recordType, types, 'recordType');
  const { tenantId } = currentCaller();
  const live = request.showDeleted ? {} : { deleteTime: null };
  const definitions = await em.find(CustomField, { tenantId, recordType, ...live });
  // The database's collation may differ from that of the keys.
  const sorted = definitions.sort((one, other) => (one.key < other.key ? -1 : 1));
  return { customFields: sorted.map(customFieldMessage) };
}

/**
 * The record type of a request: customers by default.
 *
 * @throws AppError INVALID_ARGUMENT RECORD_TYPE_UNKNOWN for a type without custom fields, NOT_FOUND for an unknown
 *   object
 */
export async function namedRecordType(
  em: EntityManager,
  name: string | undefined,
  types: Iterable<RecordType>,
  field: string,
): Promise<string> {
  const withFields = [...types].filter(({ contract }) => contract.options.customFields);
  const recordType = name ?? customersSingular;
  const ofParent = typeOfParent(recordType, withFields);
  if (ofParent) await checkParent(em, ofParent);
  const names = withFields.map(({ contract, singular }) =>
    contract.parent === undefined ? singular : `${contract.permission}.<${contract.parent}>`,
  );
  if (ofParent || names.includes(recordType)) return recordType;
  const description = `must be ${names.join(' or ')}`;
  throw invalidArgument([{ field, reason: 'RECORD_TYPE_UNKNOWN', description }]);
}

/** @throws AppError NOT_FOUND, also for a definition of another tenant */
export function found(definition: CustomField | null): CustomField {
  if (definition) return definition;
  throw new AppError('NOT_FOUND', 'CUSTOM_FIELD_NOT_FOUND', 'There is no such custom field.');
}
