import { defineEntity, p } from '@mikro-orm/postgresql';
import { recordIsolation } from '@rapport/persistence';
import { customerReference } from '../records/customers/customer.entity.js';
import { ofRecords } from '../records/scope/scope-conditions.js';
import type { MergeUndo } from './merge-undo.js';

const MergeSchema = defineEntity({
  name: 'Merge',
  tableName: 'customer_merge',
  ...recordIsolation(ofRecords('customer', 'customer_id', 'merged_id')),
  properties: {
    tenantId: p.uuid().primary(),
    id: p.uuid().primary(),
    /** [tenant id, id of the surviving customer]. */
    customer: () => customerReference('customer_id', 'customer_merge_customer'),
    /** [tenant id, id of the merged customer]. */
    merged: () => customerReference('merged_id', 'customer_merge_merged'),
    undo: p.json<MergeUndo>(),
    createTime: p.datetime(3),
    createdBy: p.text(),
    /** Absent while the merge is in force. */
    undoTime: p.datetime(3).nullable(),
    undoneBy: p.text().nullable(),
  },
  indexes: [
    {
      name: 'customer_merge_in_force',
      expression:
        'create unique index customer_merge_in_force on customer_merge (tenant_id, merged_id) where undo_time is null',
    },
    { name: 'customer_merge_by_customer', properties: ['customer', 'id'] },
    { name: 'customer_merge_by_merged', properties: ['merged', 'id'] },
  ],
});

/** A merge of two customers, with the data that undoes it. */
export class Merge extends MergeSchema.class {}
MergeSchema.setClass(Merge);
