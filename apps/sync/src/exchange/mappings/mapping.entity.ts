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
    /** Of customers; null for other types. */
    customerKind: p.enum(['PERSON', 'COMPANY'] as const).nullable(),
    fields: p.json<FieldRule[]>(),
    direction: p.enum(['BOTH', 'TO_CUSTOMERS', 'TO_PEER'] as const),
    policy: p.enum(['CUSTOMER', 'PEER', 'NEWEST', 'UNION', 'MANUAL'] as const),
    timeField: p.text().nullable(),
    deletePolicy: p.enum(['PROPAGATE', 'KEEP'] as const),
    /** Most deletes of a run. */
    maxDeletes: p.integer(),
    /** Customer fields whose equal values pair; the unique ones when there are none. */
    matchFields: p.json<string[]>().default('[]'),
    /** Of customers' external ids, whose values are ids of the records. */
    externalIdSystem: p.text().nullable(),
    /** Which customers take part, as ListCustomers takes it; null when all do. */
    filter: p.text().nullable(),
    /** What new records of Rapport get in fields that are not exchanged, by field. */
    defaults: p.json<JsonObject>().default('{}'),
    /** Of what both sides last agreed on, for as long as the mapping lives: sealed for it. */
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

/** How records of a connection are kept equal with records of Rapport. */
export class Mapping extends MappingSchema.class {}
MappingSchema.setClass(Mapping);
