import { defineEntity, p } from '@mikro-orm/postgresql';
import { recordIsolation } from '@rapport/persistence';
import { ofRecords } from '../../engine/records/scope/scope-conditions.js';

const SuppressionSchema = defineEntity({
  name: 'Suppression',
  tableName: 'suppression',
  ...recordIsolation(ofRecords('customer', 'customer_id')),
  properties: {
    tenantId: p.uuid().primary(),
    id: p.uuid().primary(),
    channel: p.enum(['EMAIL', 'PHONE', 'SMS'] as const),
    /** Hash of `SuppressionKey`. */
    addressHash: p.blob(),
    /** Absent: all purposes. */
    purpose: p.text().nullable(),
    reason: p.enum(['MANUAL', 'COMPLAINT', 'BOUNCE', 'CONSENT_WITHDRAWN', 'ERASURE'] as const),
    /** The customer that withdrew the consent. No foreign key: the suppression outlives the customer. */
    customerId: p.uuid().nullable(),
    createTime: p.datetime(3),
    createdBy: p.text(),
  },
  indexes: [
    {
      name: 'suppression_of_address',
      expression: `create unique index suppression_of_address on suppression
        (tenant_id, channel, address_hash, reason, purpose, customer_id) nulls not distinct`,
    },
    {
      name: 'suppression_by_customer',
      properties: ['tenantId', 'customerId'],
      where: 'customer_id is not null',
    },
  ],
});

/** Forbids the use of an address. Only a keyed hash of the address is stored. */
export class Suppression extends SuppressionSchema.class {}
SuppressionSchema.setClass(Suppression);
