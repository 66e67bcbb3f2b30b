import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation } from '@rapport/persistence';

const DeliveryLimitSchema = defineEntity({
  name: 'DeliveryLimit',
  tableName: 'delivery_limit',
  ...tenantIsolation,
  uniques: [{ name: 'delivery_limit_match', properties: ['tenantId', 'match'] }],
  checks: [{ name: 'delivery_limit_check', expression: '(rate_count is null) = (rate_seconds is null)' }],
  properties: {
    tenantId: p.uuid().primary(),
    id: p.uuid().primary(),
    match: p.text(),
    rateCount: p.integer().nullable(),
    rateSeconds: p.integer().nullable(),
    connections: p.integer(),
    slowness: p.integer(),
    slowTime: p.datetime(3).nullable(),
    blockedUntil: p.datetime(3).nullable(),
    lastReply: p.text().nullable(),
    version: p.integer(),
    createTime: p.datetime(3),
    updateTime: p.datetime(3),
    createdBy: p.text(),
    updatedBy: p.text(),
  },
});

/** How fast campaigns of a tenant send to a domain. */
export class DeliveryLimit extends DeliveryLimitSchema.class {}
DeliveryLimitSchema.setClass(DeliveryLimit);
