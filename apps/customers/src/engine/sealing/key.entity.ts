import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation } from '@rapport/persistence';

const TenantKeySchema = defineEntity({
  name: 'TenantKey',
  tableName: 'tenant_key',
  ...tenantIsolation,
  properties: {
    tenantId: p.uuid().primary(),
    /** 32 bytes, wrapped by a master key. */
    wrapped: p.blob(),
    masterKeyId: p.text(),
    createTime: p.datetime(3),
  },
});

/** The root key of a tenant, from which its wrapping and index keys are derived. */
export class TenantKey extends TenantKeySchema.class {}
TenantKeySchema.setClass(TenantKey);

const SubjectKeySchema = defineEntity({
  name: 'SubjectKey',
  tableName: 'subject_key',
  ...tenantIsolation,
  properties: {
    tenantId: p.uuid().primary(),
    id: p.uuid().primary(),
    /** The customer whose personal data it seals. */
    customerId: p.uuid(),
    /** From 1: the newest that is not destroyed seals, the others still open. */
    generation: p.integer(),
    /** 64 bytes, wrapped by the tenant's key; null once it is destroyed. */
    wrapped: p.blob().nullable(),
    createTime: p.datetime(3),
    destroyTime: p.datetime(3).nullable(),
  },
  uniques: [{ name: 'subject_key_of_customer', properties: ['tenantId', 'customerId', 'generation'] }],
});

/** A data key of one customer. The row outlives the key, so that a destroyed key differs from a lost one. */
export class SubjectKey extends SubjectKeySchema.class {}
SubjectKeySchema.setClass(SubjectKey);
