import { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import {
  CustomField_Type as Type,
  CustomFieldsServiceService,
  type CustomField as CustomFieldMessage,
} from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { formatEtag } from '@rapport/persistence';
import { loggedColumns, type LoggedType } from '../../engine/changes/log/logged-types.js';
import { readStoredKey, type CustomField } from '../../engine/fields/custom-field.entity.js';
import { methodDescriptor } from '../../engine/values/contract.js';

const descriptor = methodDescriptor(CustomFieldsServiceService.getCustomField.path).output;

/** Custom field definitions in the change log. */
export const loggedCustomFields: LoggedType = {
  name: 'custom_field',
  table: 'custom_field',
  descriptor,
  columns: loggedColumns(descriptor).filter((column) => column !== 'key' && column !== 'record_type'),
  scope: { by: 'TENANT' },
  empty: {},
  completed: (message) => named(message as CustomFieldMessage),
};

/** A stored definition as its message of the contract, with defaults for missing names. */
export function customFieldMessage(definition: CustomField): CustomFieldMessage {
  return named({
    // Prefixed with the record type, as in the change log.
    key: definition.key,
    type: Type[definition.type],
    kind: CustomerKind[definition.kind ?? 'UNSPECIFIED'],
    displayName: definition.displayName ?? undefined,
    description: definition.description ?? undefined,
    options: definition.options,
    searchable: definition.searchable,
    etag: formatEtag(definition.version),
    createTime: definition.createTime.toISOString(),
    updateTime: definition.updateTime.toISOString(),
    deleteTime: definition.deleteTime?.toISOString(),
  });
}

/** @param definition with its stored key */
function named(definition: CustomFieldMessage): CustomFieldMessage {
  const { key, recordType } = readStoredKey(definition.key);
  const { displayName = key } = definition;
  const options = definition.options.map(({ value, displayName: name = value }) => ({ value, displayName: name }));
  return { ...definition, key, recordType, displayName, options };
}
