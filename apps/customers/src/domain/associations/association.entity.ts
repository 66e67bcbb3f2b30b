import { defineEntity, p } from '@mikro-orm/postgresql';
import { recordIsolation, TextArray } from '@rapport/persistence';
import { customerReference } from '../../engine/records/customers/customer.entity.js';
import { ofRecords } from '../../engine/records/scope/scope-conditions.js';

const AssociationSchema = defineEntity({
  name: 'Association',
  tableName: 'customer_association',
  ...recordIsolation(ofRecords('customer', 'from_customer_id', 'to_customer_id')),
  properties: {
    tenantId: p.uuid().primary(),
    id: p.uuid().primary(),
    /** [tenant id, customer id], like the composite foreign key. */
    from: () => customerReference('from_customer_id', 'customer_association_from'),
    type: p.text(),
    /** [tenant id, customer id], like the composite foreign key. */
    to: () => customerReference('to_customer_id', 'customer_association_to'),
    role: p.text().nullable(),
    labels: p.type(TextArray).$type<string[]>(),
    version: p.integer(),
    createTime: p.datetime(3),
    updateTime: p.datetime(3),
  },
  indexes: [
    {
      name: 'customer_association_link',
      expression:
        'create unique index customer_association_link on customer_association (tenant_id, from_customer_id, type, to_customer_id)',
    },
    { name: 'customer_association_to_by_type', properties: ['to', 'type', 'id'] },
    { name: 'customer_association_from_by_id', properties: ['from', 'id'] },
    { name: 'customer_association_to_by_id', properties: ['to', 'id'] },
  ],
});

/** A labelled association between two customers. It is hidden while one of them is deleted. */
export class Association extends AssociationSchema.class {}
AssociationSchema.setClass(Association);
