import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation } from '@rapport/persistence';

/** The plan of a tenant for whom no other is named. */
export const defaultPlan = 'standard';

const TenantSchema = defineEntity({
  name: 'Tenant',
  tableName: 'tenant',
  ...tenantIsolation,
  properties: {
    /** Its column is called tenant_id, so that this table is isolated as every other one is. */
    id: p.uuid().primary().name('tenant_id'),
    displayName: p.text(),
    createTime: p.datetime(3),
    /** Its name; what it allows is the edge's configuration. */
    plan: p.text().default(defaultPlan),
  },
});

export class Tenant extends TenantSchema.class {}
TenantSchema.setClass(Tenant);
