import { defineEntity, p } from '@mikro-orm/postgresql';
import { customFieldTypes } from '@rapport/contracts/filters';
import type { CustomFieldOption } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { tenantIsolation } from '@rapport/persistence';

/** Singular of the default record type of custom fields. */
export const customersSingular = 'customer';

const CustomFieldSchema = defineEntity({
  name: 'CustomField',
  tableName: 'custom_field',
  ...tenantIsolation,
  properties: {
    tenantId: p.uuid().primary(),
    /** The key as `storedKey` returns it. */
    key: p.text().primary(),
    /** The record type of the field, like `RecordType.name`. */
    recordType: p.text().default(customersSingular),
    type: p.enum(customFieldTypes),
    /** Absent for customers of both kinds, and for other records. */
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

/** The definition of a tenant's custom field. */
export class CustomField extends CustomFieldSchema.class {}
CustomFieldSchema.setClass(CustomField);

/**
 * The stored key of a definition: its key, prefixed by the record type unless that is customer, as in `deal.plan` and
 * `objects.subscription.plan`.
 */
export function storedKey(recordType: string, key: string): string {
  return recordType === customersSingular ? key : `${recordType}.${key}`;
}

/** Splits a stored key into record type and key. */
export function readStoredKey(stored: string): { recordType: string; key: string } {
  const end = stored.lastIndexOf('.');
  return { recordType: end < 0 ? customersSingular : stored.slice(0, end), key: stored.slice(end + 1) };
}
