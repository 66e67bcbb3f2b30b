import { defineEntity, p } from '@mikro-orm/postgresql';
import { recordIsolation, seenIf, TextArray } from '@rapport/persistence';

const RecordAssociationSchema = defineEntity({
  name: 'RecordAssociation',
  tableName: 'record_association',
  ...recordIsolation(seenIf('(sees_record(from_type, from_id) and sees_record(to_type, to_id))')),
  properties: {
    tenantId: p.uuid().primary(),
    id: p.uuid().primary(),
    /** Table of the record. */
    fromType: p.text(),
    fromId: p.uuid(),
    type: p.text(),
    /** Table of the record. */
    toType: p.text(),
    toId: p.uuid(),
    role: p.text().nullable(),
    labels: p.type(TextArray).$type<string[]>(),
    version: p.integer(),
    createTime: p.datetime(3),
    updateTime: p.datetime(3),
  },
  indexes: [
    {
      name: 'record_association_link',
      expression:
        'create unique index record_association_link on record_association (tenant_id, from_id, type, to_id, from_type, to_type)',
    },
    { name: 'record_association_from_by_id', properties: ['tenantId', 'fromId', 'id'] },
    { name: 'record_association_to_by_id', properties: ['tenantId', 'toId', 'id'] },
  ],
});

/**
 * A labelled association between two records that are not both customers. A foreign key can't refer to records of any
 * type: triggers take its place.
 */
export class RecordAssociation extends RecordAssociationSchema.class {}
RecordAssociationSchema.setClass(RecordAssociation);
