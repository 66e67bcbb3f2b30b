import { defineEntity, p } from '@mikro-orm/postgresql';
import type { ErasedData } from '@rapport/contracts/rapport/customers/v1/privacy_service';
import { recordIsolation, TextArray } from '@rapport/persistence';
import { ofOwners } from '../../engine/records/scope/scope-conditions.js';

const ErasureSchema = defineEntity({
  name: 'Erasure',
  tableName: 'erasure',
  ...recordIsolation(ofOwners),
  properties: {
    tenantId: p.uuid().primary(),
    id: p.uuid().primary(),
    customerIds: p.type(TextArray).$type<string[]>(),
    reason: p.text(),
    erased: p.json<ErasedData[]>(),
    createTime: p.datetime(3),
    createdBy: p.text(),
    digest: p.text(),
    /** Owner of the erased customer. Callers that could see the customer can see the receipt. */
    ownerId: p.uuid().nullable(),
    ownerTeamId: p.uuid().nullable(),
  },
  indexes: [
    {
      name: 'erasure_of_customer',
      expression: 'create index erasure_of_customer on erasure using gin (tenant_id, customer_ids)',
    },
  ],
});

/** The receipt of an erasure: ids, the reason, and counts of what was erased. */
export class Erasure extends ErasureSchema.class {}
ErasureSchema.setClass(Erasure);
