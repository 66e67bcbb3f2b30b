import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation } from '@rapport/persistence';

export const tokenPurposes = ['INVITATION', 'PASSWORD_RESET'] as const;

export type TokenPurpose = (typeof tokenPurposes)[number];

const OneTimeTokenSchema = defineEntity({
  name: 'OneTimeToken',
  tableName: 'one_time_token',
  ...tenantIsolation,
  indexes: [{ name: 'one_time_token_hash', properties: ['tenantId', 'hash'] }],
  properties: {
    tenantId: p.uuid().primary(),
    userId: p.uuid().primary(),
    purpose: p.enum(tokenPurposes).primary(),
    /** SHA-256, which is enough for 256 random bits. The token itself is stored nowhere. */
    hash: p.blob(),
    expireTime: p.datetime(3),
  },
});

/** A token that was sent by mail and is good for one use. The next for the same purpose takes its place. */
export class OneTimeToken extends OneTimeTokenSchema.class {}
OneTimeTokenSchema.setClass(OneTimeToken);
