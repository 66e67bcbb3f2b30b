import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation, TextArray } from '@rapport/persistence';

const ApiKeySchema = defineEntity({
  name: 'ApiKey',
  tableName: 'api_key',
  ...tenantIsolation,
  uniques: [{ name: 'api_key_hash', properties: ['tenantId', 'hash'] }],
  properties: {
    tenantId: p.uuid().primary(),
    id: p.uuid().primary(),
    displayName: p.text(),
    permissions: p.type(TextArray).$type<string[]>(),
    /** HMAC-SHA256 of the key, by which it is found. The key itself is stored nowhere. */
    hash: p.blob(),
    keyPrefix: p.text(),
    createTime: p.datetime(3),
    expireTime: p.datetime(3).nullable(),
    revokeTime: p.datetime(3).nullable(),
  },
});

export class ApiKey extends ApiKeySchema.class {}
ApiKeySchema.setClass(ApiKey);
