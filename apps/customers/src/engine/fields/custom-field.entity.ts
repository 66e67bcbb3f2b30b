import { defineEntity, p } from '@mikro-orm/postgresql';
import type { CustomFieldOption } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { tenantIsolation } from '@rapport/persistence';

/** The types of custom fields, by their names in the contract. */
export const customFieldTypes = [
  'TEXT',
  'NUMBER',
  'DECIMAL',
  'MONEY',
  'DATE',
  'TIME',
  'BOOLEAN',
  'SELECT',
  'MULTI_SELECT',
  'URL',
  'REFERENCE',
] as const;

export type CustomFieldType = (typeof customFieldTypes)[number];

const CustomFieldSchema = defineEntity({
  name: 'CustomField',
  tableName: 'custom_field',
  ...tenantIsolation,
  properties: {
    tenantId: p.uuid().primary(),
    key: p.text().primary(),
    type: p.enum(customFieldTypes),
    /** Absent when customers of any kind may have it. */
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
});

/** The definition of one of a tenant's own fields. */
export class CustomField extends CustomFieldSchema.class {}
CustomFieldSchema.setClass(CustomField);
