import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation, TextArray } from '@rapport/persistence';

export const userStates = ['INVITED', 'ACTIVE', 'DISABLED'] as const;

export type UserState = (typeof userStates)[number];

const UserAccountSchema = defineEntity({
  name: 'UserAccount',
  tableName: 'user_account',
  ...tenantIsolation,
  uniques: [{ name: 'user_account_email', properties: ['tenantId', 'email'] }],
  properties: {
    tenantId: p.uuid().primary(),
    /** UUIDv7, ordered by creation time. */
    id: p.uuid().primary(),
    /** In lower case, so that it is unique regardless of case. See `emailKey`. */
    email: p.text(),
    displayName: p.text(),
    /** PHC string of argon2id. Null until the invitation is accepted. */
    passwordHash: p.text().nullable(),
    state: p.enum(userStates),
    /** Ids of built-in roles and of the tenant's own roles. */
    roleIds: p.type(TextArray).$type<string[]>().default([]),
    teamId: p.uuid().nullable(),
    /** IANA time zone. Null: that of the workspace. */
    timeZone: p.text().nullable(),
    /** Canonical BCP 47 tag. Null: that of the workspace. */
    locale: p.text().nullable(),
    /** Sessions and tokens contain it. Raising it ends all of them at once. */
    sessionEpoch: p.integer().default(0),
    createTime: p.datetime(3),
    updateTime: p.datetime(3),
    version: p.integer().default(1),
  },
});

/** A person who signs in to one tenant. A person who works in two tenants has two accounts. */
export class UserAccount extends UserAccountSchema.class {}
UserAccountSchema.setClass(UserAccount);

/** The normalised form of an e-mail address, for lookups. */
export function emailKey(email: string): string {
  return email.normalize('NFC').toLowerCase();
}
