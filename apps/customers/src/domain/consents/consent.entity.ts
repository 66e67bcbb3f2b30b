import { defineEntity, p } from '@mikro-orm/postgresql';
import { recordIsolation } from '@rapport/persistence';
import { customerReference } from '../../engine/records/customers/customer.entity.js';
import { ofRecords } from '../../engine/records/scope/scope-conditions.js';
import { sealedOnly } from '../../engine/sealing/sealed-only.js';

export const contactChannels = ['EMAIL', 'PHONE', 'SMS', 'POST'] as const;

const ConsentSchema = defineEntity({
  name: 'Consent',
  tableName: 'consent',
  ...recordIsolation(
    ofRecords('customer', 'customer_id'),
    sealedOnly(`evidence is null or starts_with(evidence, chr(1))`),
  ),
  properties: {
    tenantId: p.uuid().primary(),
    id: p.uuid().primary(),
    /** [tenant id, customer id], like the composite foreign key. */
    customer: () => customerReference('customer_id', 'consent_customer'),
    purpose: p.text(),
    channel: p.enum(contactChannels),
    state: p.enum(['GIVEN', 'WITHDRAWN'] as const),
    legalBasis: p.enum([
      'CONSENT',
      'CONTRACT',
      'LEGAL_OBLIGATION',
      'VITAL_INTERESTS',
      'PUBLIC_TASK',
      'LEGITIMATE_INTERESTS',
    ] as const),
    source: p.text(),
    /** Time at which the customer gave or withdrew it. */
    time: p.datetime(3),
    evidence: p.text().nullable(),
    createTime: p.datetime(3),
    createdBy: p.text(),
  },
  indexes: [{ name: 'consent_by_customer', properties: ['customer', 'time', 'id'] }],
});

/**
 * A customer's decision about one purpose and channel. Rows are only added, and removed when the customer is erased.
 */
export class Consent extends ConsentSchema.class {}
ConsentSchema.setClass(Consent);
