import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation } from '@rapport/persistence';

const TenantSchema = defineEntity({
  name: 'Tenant',
  tableName: 'tenant',
  ...tenantIsolation,
  properties: {
    /** Its column is called tenant_id, so that this table is isolated as every other one is. */
    id: p.uuid().primary().name('tenant_id'),
    displayName: p.text(),
    createTime: p.datetime(3),
  },
});

export class Tenant extends TenantSchema.class {}
TenantSchema.setClass(Tenant);
