import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation } from '@rapport/persistence';

const NumberSchema = defineEntity({
  name: 'RecordNumber',
  tableName: 'record_number',
  ...tenantIsolation,
  properties: {
    tenantId: p.uuid().primary(),
    recordType: p.text().primary(),
    lastNumber: p.integer(),
  },
});

/** The last number that a record of a type of the tenant has. */
export class RecordNumber extends NumberSchema.class {}
NumberSchema.setClass(RecordNumber);
