import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation } from '../tenants/tenant-isolation.js';

const IdempotencyKeySchema = defineEntity({
  name: 'IdempotencyKey',
  tableName: 'idempotency_key',
  ...tenantIsolation,
  indexes: [{ name: 'idempotency_key_create_time', properties: ['tenantId', 'createTime'] }],
  properties: {
    tenantId: p.uuid().primary(),
    /** Two principals that happen to choose the same key do not meet. */
    principalId: p.text().primary(),
    key: p.text().primary(),
    /** SHA-256 of the method and the request; empty when the answer was erased. */
    requestHash: p.blob(),
    /** The answer as it was encoded. */
    response: p.blob(),
    createTime: p.datetime(3),
  },
});

/** A write that was done, and its answer, kept for a day so that a repetition of the call gets the same answer. */
export class IdempotencyKey extends IdempotencyKeySchema.class {}
IdempotencyKeySchema.setClass(IdempotencyKey);
