import { defineEntity, p } from '@mikro-orm/postgresql';
import { customFieldTypes } from '@rapport/contracts/filters';
import type { CustomFieldOption } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { tenantIsolation } from '@rapport/persistence';

/** Singular of the type of records that have custom fields when no other is named. */
export const customersSingular = 'customer';

const CustomFieldSchema = defineEntity({
  name: 'CustomField',
  tableName: 'custom_field',
  ...tenantIsolation,
  properties: {
    tenantId: p.uuid().primary(),
    /** As `storedKey` makes it. */
    key: p.text().primary(),
    /** The type of records that have the field, as `RecordType.name` has it. */
    recordType: p.text().default(customersSingular),
    type: p.enum(customFieldTypes),
    /** Absent when customers of any kind may have it, and for other records. */
    kind: p.enum(['PERSON', 'COMPANY'] as const).nullable(),
    displayName: p.text().nullable(),
    description: p.text().nullable(),
    options: p.json<CustomFieldOption[]>(),
    searchable: p.boolean(),
    version: p.integer(),
    createTime: p.datetime(3),
    updateTime: p.datetime(3),
    /** Absent while the definition is live. */
    deleteTime: p.datetime(3).nullable(),
  },
  indexes: [{ name: 'custom_field_by_record_type', properties: ['tenantId', 'recordType'] }],
});

/** The definition of one of a tenant's own fields. */
export class CustomField extends CustomFieldSchema.class {}
CustomFieldSchema.setClass(CustomField);

/**
 * What a definition is stored by: its key, and the type of the records before it when those are no customers, as in `deal.plan` and
 * `objects.subscription.plan`.
 */
export function storedKey(recordType: string, key: string): string {
  return recordType === customersSingular ? key : `${recordType}.${key}`;
}

/** The type of records and the key that were stored as one. */
export function readStoredKey(stored: string): { recordType: string; key: string } {
  const end = stored.lastIndexOf('.');
  return { recordType: end < 0 ? customersSingular : stored.slice(0, end), key: stored.slice(end + 1) };
}
