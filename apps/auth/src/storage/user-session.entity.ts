import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation } from '@rapport/persistence';

const UserSessionSchema = defineEntity({
  name: 'UserSession',
  tableName: 'user_session',
  ...tenantIsolation,
  indexes: [{ name: 'user_session_user', properties: ['tenantId', 'userId', 'id'] }],
  properties: {
    tenantId: p.uuid().primary(),
    /** UUIDv7: the order of ids is that of time. */
    id: p.uuid().primary(),
    userId: p.uuid(),
    /** Address of the client. */
    address: p.text().nullable(),
    userAgent: p.text().nullable(),
    createTime: p.datetime(3),
    expireTime: p.datetime(3),
  },
});

/** Where a user is signed in. One that has ended has no row. */
export class UserSession extends UserSessionSchema.class {}
UserSessionSchema.setClass(UserSession);
