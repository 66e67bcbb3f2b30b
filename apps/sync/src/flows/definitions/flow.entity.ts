import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation } from '@rapport/persistence';
import type { DefinitionJson } from './definition-json.js';

const FlowSchema = defineEntity({
  name: 'Flow',
  tableName: 'flow',
  ...tenantIsolation,
  uniques: [{ name: 'flow_key', properties: ['tenantId', 'key'] }],
  properties: {
    tenantId: p.uuid().primary(),
    id: p.uuid().primary(),
    key: p.text(),
    name: p.text(),
    description: p.text().nullable(),
    state: p.enum(['DRAFT', 'ACTIVE', 'PAUSED', 'FROZEN', 'RETIRED'] as const),
    /** The draft. */
    definition: p.json<DefinitionJson>(),
    checksum: p.text(),
    activeVersion: p.integer().nullable(),
    activeChecksum: p.text().nullable(),
    publishedBy: p.text().nullable(),
    version: p.integer(),
    createTime: p.datetime(3),
    updateTime: p.datetime(3),
    createdBy: p.text(),
    updatedBy: p.text(),
  },
});

/** A flow and its draft. */
export class Flow extends FlowSchema.class {}
FlowSchema.setClass(Flow);
