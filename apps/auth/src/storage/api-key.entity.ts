import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation, TextArray } from '@rapport/persistence';
import { recordScopes } from './record-scope.js';

const ApiKeySchema = defineEntity({
  name: 'ApiKey',
  tableName: 'api_key',
  ...tenantIsolation,
  uniques: [
    { name: 'api_key_hash', properties: ['tenantId', 'hash'] },
    { name: 'api_key_previous_hash', properties: ['tenantId', 'previousHash'] },
  ],
  properties: {
    tenantId: p.uuid().primary(),
    id: p.uuid().primary(),
    displayName: p.text(),
    permissions: p.type(TextArray).$type<string[]>(),
    /** HMAC-SHA256 of the key, for lookups. The key itself is never stored. */
    hash: p.blob(),
    /** `secretKeyId` of its key. Null when a release that recorded none made it, and it was not used since. */
    hashKeyId: p.text().nullable(),
    keyPrefix: p.text(),
    createTime: p.datetime(3),
    expireTime: p.datetime(3).nullable(),
    revokeTime: p.datetime(3).nullable(),
    recordScope: p.enum(recordScopes).default('ALL'),
    teamId: p.uuid().nullable(),
    hidesPii: p.boolean().default(false),
    /** Up to one minute behind, so that a busy key costs one write a minute. */
    lastUseTime: p.datetime(3).nullable(),
    /** HMAC of the key before the last rotation. That key works until `previousExpireTime`. */
    previousHash: p.blob().nullable(),
    previousHashKeyId: p.text().nullable(),
    previousExpireTime: p.datetime(3).nullable(),
  },
});

export class ApiKey extends ApiKeySchema.class {}
ApiKeySchema.setClass(ApiKey);
