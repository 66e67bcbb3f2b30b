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
    /** Whose the erased customer was: who saw it sees its receipt. */
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

/** The receipt of an erasure: what is left of a person. */
export class Erasure extends ErasureSchema.class {}
ErasureSchema.setClass(Erasure);
