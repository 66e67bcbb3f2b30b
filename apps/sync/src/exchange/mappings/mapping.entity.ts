import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation } from '@rapport/persistence';
import type { JsonObject } from '../../connectors/peer-record.js';
import type { FieldRule } from './field-rule.js';

const MappingSchema = defineEntity({
  name: 'Mapping',
  tableName: 'mapping',
  ...tenantIsolation,
  properties: {
    tenantId: p.uuid().primary(),
    id: p.uuid().primary(),
    connectionId: p.uuid(),
    /** Type of the records of Rapport, such as `customers`. */
    object: p.text().default('customers'),
    recordType: p.text(),
    /** Kind of the customers; null for other types. */
    customerKind: p.enum(['PERSON', 'COMPANY'] as const).nullable(),
    fields: p.json<FieldRule[]>(),
    direction: p.enum(['BOTH', 'TO_CUSTOMERS', 'TO_PEER'] as const),
    policy: p.enum(['CUSTOMER', 'PEER', 'NEWEST', 'UNION', 'MANUAL'] as const),
    timeField: p.text().nullable(),
    deletePolicy: p.enum(['PROPAGATE', 'KEEP'] as const),
    /** Maximum number of deletes per run. */
    maxDeletes: p.integer(),
    /** Customer fields whose equal values make a pair. Empty: the unique fields. */
    matchFields: p.json<string[]>().default('[]'),
    /** System of the external ids of customers that are ids of the records. */
    externalIdSystem: p.text().nullable(),
    /** Filter of ListCustomers that selects customers; null for all. */
    filter: p.text().nullable(),
    /** Values of fields that are not exchanged, for new records of Rapport. */
    defaults: p.json<JsonObject>().default('{}'),
    /** Key of the fingerprints of last agreed values, sealed for the mapping and kept as long as it. */
    sealedFingerprintKey: p.blob(),
    state: p.enum(['ENABLED', 'PAUSED', 'STOPPED'] as const),
    errorReason: p.text().nullable(),
    errorMessage: p.text().nullable(),
    version: p.integer(),
    createTime: p.datetime(3),
    updateTime: p.datetime(3),
  },
  indexes: [{ name: 'mapping_by_connection', properties: ['tenantId', 'connectionId'] }],
});

/** Which records of a connection are kept equal with records of Rapport, and how. */
export class Mapping extends MappingSchema.class {}
MappingSchema.setClass(Mapping);
