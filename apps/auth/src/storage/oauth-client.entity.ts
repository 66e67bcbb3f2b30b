import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation, TextArray } from '@rapport/persistence';

const OAuthClientSchema = defineEntity({
  name: 'OAuthClient',
  tableName: 'oauth_client',
  ...tenantIsolation,
  indexes: [{ name: 'oauth_client_allowed_origins', properties: ['tenantId'], where: `allowed_origins <> '{}'` }],
  properties: {
    tenantId: p.uuid().primary(),
    id: p.uuid().primary(),
    displayName: p.text(),
    redirectUris: p.type(TextArray).$type<string[]>(),
    /** As OAuth names them: `authorization_code`, `refresh_token`, `client_credentials`. */
    grantTypes: p.type(TextArray).$type<string[]>(),
    permissions: p.type(TextArray).$type<string[]>(),
    /** Origins of pages that may call the API, such as `https://app.example.com`. */
    allowedOrigins: p.type(TextArray).$type<string[]>().defaultRaw(`'{}'`),
    /** HMAC-SHA256 of the secret, which is never stored. Null for public clients. */
    secretHash: p.blob().nullable(),
    /** `secretKeyId` of its key. Null when a release that recorded none made it, and it was not used since. */
    secretKeyId: p.text().nullable(),
    createTime: p.datetime(3),
    updateTime: p.datetime(3),
  },
});

export class OAuthClient extends OAuthClientSchema.class {}
OAuthClientSchema.setClass(OAuthClient);
