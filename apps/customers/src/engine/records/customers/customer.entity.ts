import { defineEntity, p } from '@mikro-orm/postgresql';
import type {
  EmailAddress,
  ExternalId,
  PhoneNumber,
  PostalAddress,
} from '@rapport/contracts/rapport/customers/v1/customer';
import { recordIsolation, TextArray, tenantIsolation } from '@rapport/persistence';
import { sealedOnly } from '../../sealing/sealed-only.js';
import type { CustomValues } from '../../fields/custom-fields.js';
import { ofOwners } from '../scope/scope-conditions.js';

const live = 'delete_time is null';
const deleted = 'delete_time is not null';

const CustomerSchema = defineEntity({
  name: 'Customer',
  tableName: 'customer',
  ...recordIsolation(ofOwners, sealedOnly('sealed')),
  properties: {
    tenantId: p.uuid().primary(),
    id: p.uuid().primary(),
    kind: p.enum(['PERSON', 'COMPANY'] as const),
    displayName: p.text(),
    givenName: p.text().nullable(),
    familyName: p.text().nullable(),
    jobTitle: p.text().nullable(),
    companyName: p.text().nullable(),
    /** [tenant id, company id], like the composite foreign key. */
    company: () =>
      p
        .manyToOne(Customer)
        .mapToPk()
        .nullable()
        .joinColumns('tenant_id', 'company_id')
        .ownColumns('company_id')
        .referencedColumnNames('tenant_id', 'id')
        .foreignKeyName('customer_company')
        .deleteRule('no action')
        .updateRule('no action'),
    emails: p.json<EmailAddress[]>(),
    phones: p.json<PhoneNumber[]>(),
    addresses: p.json<PostalAddress[]>(),
    externalIds: p.json<ExternalId[]>(),
    domains: p.type(TextArray).$type<string[]>(),
    tags: p.type(TextArray).$type<string[]>(),
    lifecycleStage: p
      .enum(['SUBSCRIBER', 'LEAD', 'QUALIFIED', 'OPPORTUNITY', 'CUSTOMER', 'FORMER_CUSTOMER'] as const)
      .nullable(),
    /** Id of a user or an API key. */
    ownerId: p.uuid().nullable(),
    ownerTeamId: p.uuid().nullable(),
    source: p.text().nullable(),
    /** YYYY-MM-DD. */
    birthDate: p.text().nullable(),
    customFields: p.json<CustomValues>().default('{}'),
    lifecycleStageTime: p.datetime(3).nullable(),
    /** The customer that this deleted one was merged into. */
    mergedInto: () =>
      p
        .manyToOne(Customer)
        .mapToPk()
        .nullable()
        .joinColumns('tenant_id', 'merged_into_id')
        .ownColumns('merged_into_id')
        .referencedColumnNames('tenant_id', 'id')
        .foreignKeyName('customer_merged_into')
        .deleteRule('no action')
        .updateRule('no action'),
    /** Search text of `q`, made by `searchText`. */
    searchText: p.text(),
    /** Sort key of display_name, made by `sortName`. */
    sortName: p.text().collation('C'),
    /** Search terms of filters, made by `recordTerms` and `CustomFields.index`. */
    terms: p.type(TextArray).$type<string[]>().defaultRaw("'{}'"),
    /** Sort keys of custom fields: a trigger maintains the rows of customer_order_value. */
    orderValues: p.json<Record<string, string>>().default('{}'),
    familySortName: p.text().collation('C').nullable(),
    companySortName: p.text().collation('C').nullable(),
    /** Version of the code that computed the derived columns, see `indexVersion`. */
    indexVersion: p.integer().default(0),
    /** Whether personal data is encrypted in its columns (ADR 0032). */
    sealed: p.boolean().default(false),
    version: p.integer(),
    createTime: p.datetime(3),
    updateTime: p.datetime(3),
    /** Absent while the record is live. */
    deleteTime: p.datetime(3).nullable(),
    createdBy: p.text(),
    updatedBy: p.text(),
  },
  indexes: [
    { name: 'customer_live_by_name', properties: ['tenantId', 'sortName', 'id'], where: live },
    {
      name: 'customer_live_by_create_time',
      properties: ['tenantId', 'createTime', 'id'],
      // Includes the columns of the row-level security policies: customers are counted from this index without reading
      // their rows.
      include: ['ownerId', 'ownerTeamId'],
      where: live,
    },
    { name: 'customer_live_by_update_time', properties: ['tenantId', 'updateTime', 'id'], where: live },
    { name: 'customer_deleted_by_name', properties: ['tenantId', 'sortName', 'id'], where: deleted },
    { name: 'customer_deleted_by_create_time', properties: ['tenantId', 'createTime', 'id'], where: deleted },
    { name: 'customer_deleted_by_update_time', properties: ['tenantId', 'updateTime', 'id'], where: deleted },
    { name: 'customer_live_by_family_name', properties: ['tenantId', 'familySortName', 'id'], where: live },
    { name: 'customer_live_by_company_name', properties: ['tenantId', 'companySortName', 'id'], where: live },
    { name: 'customer_live_by_birth_date', properties: ['tenantId', 'birthDate', 'id'], where: live },
    {
      name: 'customer_live_by_lifecycle_stage_time',
      properties: ['tenantId', 'lifecycleStageTime', 'id'],
      where: live,
    },
    { name: 'customer_deleted_by_delete_time', properties: ['tenantId', 'deleteTime', 'id'], where: deleted },
    { name: 'customer_by_merged_into', properties: ['mergedInto'], where: 'merged_into_id is not null' },
    { name: 'customer_by_index_version', properties: ['indexVersion'] },
    {
      name: 'customer_terms',
      expression: 'create index customer_terms on customer using gin (tenant_id, terms) where delete_time is null',
    },
    { name: 'customer_by_company', properties: ['company'], where: 'company_id is not null' },
    {
      name: 'customer_search',
      expression:
        'create index customer_search on customer using gin (tenant_id, search_text gin_trgm_ops) where delete_time is null',
    },
  ],
});

/** A stored customer, live or deleted. */
export class Customer extends CustomerSchema.class {}
CustomerSchema.setClass(Customer);

/** A reference to a customer, [tenant id, customer id], with the composite foreign key that keeps it within the tenant. */
export function customerReference(column: string, foreignKeyName: string) {
  return p
    .manyToOne(Customer)
    .mapToPk()
    .joinColumns('tenant_id', column)
    .ownColumns(column)
    .referencedColumnNames('tenant_id', 'id')
    .foreignKeyName(foreignKeyName)
    .deleteRule('no action')
    .updateRule('no action');
}

/** The id in a reference to a customer, which is [tenant id, customer id]. */
export function referencedId([, id]: readonly (string | undefined)[]): string {
  if (id === undefined) throw new Error('A reference to a customer has two parts.');
  return id;
}

const CustomerKeySchema = defineEntity({
  name: 'CustomerKey',
  tableName: 'customer_key',
  ...tenantIsolation,
  indexes: [{ name: 'customer_key_by_customer', properties: ['customer'] }],
  properties: {
    tenantId: p.uuid().primary(),
    type: p.enum(['EMAIL', 'DOMAIN', 'EXTERNAL_ID'] as const).primary(),
    value: p.text().collation('C').primary(),
    /** [tenant id, customer id], like the composite foreign key. */
    customer: () =>
      p
        .manyToOne(Customer)
        .mapToPk()
        .joinColumns('tenant_id', 'customer_id')
        .ownColumns('customer_id')
        .referencedColumnNames('tenant_id', 'id')
        .foreignKeyName('customer_key_customer')
        .deferMode('immediate')
        .deleteRule('no action')
        .updateRule('no action'),
  },
});

/**
 * A unique value of a live customer. The rows are deleted with the customer and restored with it, so that a deleted
 * record never blocks a value and the primary key decides every race.
 */
export class CustomerKey extends CustomerKeySchema.class {}
CustomerKeySchema.setClass(CustomerKey);

const CustomerOrderValueSchema = defineEntity({
  name: 'CustomerOrderValue',
  tableName: 'customer_order_value',
  ...tenantIsolation,
  properties: {
    tenantId: p.uuid().primary(),
    /** Key of the custom field. */
    field: p.text().primary(),
    value: p.text().collation('C').primary(),
    customerId: p.uuid().primary(),
  },
});

/** A sort key of a live customer, written by triggers of the table customer. */
export class CustomerOrderValue extends CustomerOrderValueSchema.class {}
CustomerOrderValueSchema.setClass(CustomerOrderValue);
