import { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import {
  CustomField_Type as Type,
  type CustomField as CustomFieldMessage,
} from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { formatEtag } from '@rapport/persistence';
import type { CustomField } from '../../engine/fields/custom-field.entity.js';

/** A stored definition as the contract shows it: with the names that stand in for those not given. */
export function customFieldMessage(definition: CustomField): CustomFieldMessage {
  return {
    key: definition.key,
    type: Type[definition.type],
    kind: CustomerKind[definition.kind ?? 'UNSPECIFIED'],
    displayName: definition.displayName ?? definition.key,
    description: definition.description ?? undefined,
    options: definition.options.map(({ value, displayName }) => ({ value, displayName: displayName ?? value })),
    searchable: definition.searchable,
    etag: formatEtag(definition.version),
    createTime: definition.createTime.toISOString(),
    updateTime: definition.updateTime.toISOString(),
    deleteTime: definition.deleteTime?.toISOString(),
  };
}
