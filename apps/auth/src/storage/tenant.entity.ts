import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation } from '@rapport/persistence';

/** The plan of a tenant when no other is given. */
export const defaultPlan = 'standard';

const TenantSchema = defineEntity({
  name: 'Tenant',
  tableName: 'tenant',
  ...tenantIsolation,
  properties: {
    /** The column is named tenant_id, so that row-level security applies to this table as to all others. */
    id: p.uuid().primary().name('tenant_id'),
    displayName: p.text(),
    createTime: p.datetime(3),
    /** Name of a plan. The edge's configuration sets its limits. */
    plan: p.text().default(defaultPlan),
  },
});

export class Tenant extends TenantSchema.class {}
TenantSchema.setClass(Tenant);
