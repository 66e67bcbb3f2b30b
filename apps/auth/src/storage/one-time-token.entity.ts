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
    /** SHA-256, which is sufficient for 256 random bits. The token itself is never stored. */
    hash: p.blob(),
    expireTime: p.datetime(3),
  },
});

/** A single-use token, sent by mail. A new token for the same purpose replaces it. */
export class OneTimeToken extends OneTimeTokenSchema.class {}
OneTimeTokenSchema.setClass(OneTimeToken);
