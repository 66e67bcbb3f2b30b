import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation } from '@rapport/persistence';

const UserSessionSchema = defineEntity({
  name: 'UserSession',
  tableName: 'user_session',
  ...tenantIsolation,
  indexes: [{ name: 'user_session_user', properties: ['tenantId', 'userId', 'id'] }],
  properties: {
    tenantId: p.uuid().primary(),
    /** UUIDv7, ordered by creation time. */
    id: p.uuid().primary(),
    userId: p.uuid(),
    /** Address of the client. */
    address: p.text().nullable(),
    userAgent: p.text().nullable(),
    createTime: p.datetime(3),
    expireTime: p.datetime(3),
  },
});

/** A session of a signed-in user. Sessions that end are deleted. */
export class UserSession extends UserSessionSchema.class {}
UserSessionSchema.setClass(UserSession);
