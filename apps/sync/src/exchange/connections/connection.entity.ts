import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation, TextArray } from '@rapport/persistence';
import type { JsonObject } from '../../connectors/peer-record.js';

const ConnectionSchema = defineEntity({
  name: 'Connection',
  tableName: 'connection',
  ...tenantIsolation,
  properties: {
    tenantId: p.uuid().primary(),
    id: p.uuid().primary(),
    connector: p.text(),
    displayName: p.text(),
    settings: p.json<JsonObject>(),
    /** JSON, sealed for its `rowOwner`. */
    sealedSecrets: p.blob(),
    secretNames: p.type(TextArray).$type<string[]>(),
    state: p.enum(['ENABLED', 'DISABLED'] as const),
    pollSeconds: p.integer(),
    /** The principal that the connection acts as. */
    principalId: p.text(),
    version: p.integer(),
    createTime: p.datetime(3),
    updateTime: p.datetime(3),
    createdBy: p.text(),
  },
});

/** A tenant's connection to another system. */
export class Connection extends ConnectionSchema.class {}
ConnectionSchema.setClass(Connection);
