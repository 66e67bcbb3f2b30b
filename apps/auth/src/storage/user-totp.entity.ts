import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation } from '@rapport/persistence';

const UserTotpSchema = defineEntity({
  name: 'UserTotp',
  tableName: 'user_totp',
  ...tenantIsolation,
  properties: {
    tenantId: p.uuid().primary(),
    userId: p.uuid().primary(),
    /** The secret of the authenticator app, encrypted with AES-GCM for its user. */
    sealedSecret: p.blob(),
    /** Null until a code has shown that the app has the secret: before, it does not count. */
    confirmTime: p.datetime(3).nullable(),
    /** The last step of which a code was used: none is good twice. */
    lastStep: p.integer().default(0),
  },
});

/** The authenticator app of a user. */
export class UserTotp extends UserTotpSchema.class {}
UserTotpSchema.setClass(UserTotp);

const RecoveryCodeSchema = defineEntity({
  name: 'RecoveryCode',
  tableName: 'recovery_code',
  ...tenantIsolation,
  properties: {
    tenantId: p.uuid().primary(),
    userId: p.uuid().primary(),
    /** HMAC-SHA256 of the code, which is stored nowhere. */
    hash: p.blob().primary(),
  },
});

/** A recovery code that has not been used. */
export class RecoveryCode extends RecoveryCodeSchema.class {}
RecoveryCodeSchema.setClass(RecoveryCode);
