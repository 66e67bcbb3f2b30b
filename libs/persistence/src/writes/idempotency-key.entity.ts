import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation } from '../tenants/tenant-isolation.js';

const IdempotencyKeySchema = defineEntity({
  name: 'IdempotencyKey',
  tableName: 'idempotency_key',
  ...tenantIsolation,
  indexes: [{ name: 'idempotency_key_create_time', properties: ['tenantId', 'createTime'] }],
  properties: {
    tenantId: p.uuid().primary(),
    /** Two principals that choose the same key do not collide. `flowRun:<id>` for the effects of a run. */
    principalId: p.text().primary(),
    key: p.text().primary(),
    /** SHA-256 of the method and the request; empty when the response was erased. */
    requestHash: p.blob(),
    /** The encoded response. */
    response: p.blob(),
    /** `infinity` for the effects of a run, which are retained until the run is released. */
    createTime: p.datetime(3),
  },
});

/** A completed write and its response, retained for a day so that a repeated call gets the same response. */
export class IdempotencyKey extends IdempotencyKeySchema.class {}
IdempotencyKeySchema.setClass(IdempotencyKey);
