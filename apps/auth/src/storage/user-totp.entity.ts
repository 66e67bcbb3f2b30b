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
    /** Null until a valid code confirms that the app has the secret. Until then it has no effect. */
    confirmTime: p.datetime(3).nullable(),
    /** The time step of the last used code. No code of it or of an earlier step is valid again. */
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
    /** HMAC-SHA256 of the code, which is never stored. */
    hash: p.blob().primary(),
    /** `secretKeyId` of its key. Null when a release that recorded none made it. */
    hashKeyId: p.text().nullable(),
  },
});

/** An unused recovery code. */
export class RecoveryCode extends RecoveryCodeSchema.class {}
RecoveryCodeSchema.setClass(RecoveryCode);
