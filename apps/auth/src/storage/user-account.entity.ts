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
    /** UUIDv7: the order of ids is that of time. */
    id: p.uuid().primary(),
    /** In lower case, which makes it unique whatever the case, see `emailKey`. */
    email: p.text(),
    displayName: p.text(),
    /** PHC string of argon2id. Null until the invitation is accepted. */
    passwordHash: p.text().nullable(),
    state: p.enum(userStates),
    /** Ids of roles, built in or of the tenant's own. */
    roleIds: p.type(TextArray).$type<string[]>().default([]),
    teamId: p.uuid().nullable(),
    /** Name of the IANA database. Null: that of the workspace. */
    timeZone: p.text().nullable(),
    /** Canonical tag of BCP 47. Null: that of the workspace. */
    locale: p.text().nullable(),
    /** Sessions and tokens remember it; raising it ends all of them at once. */
    sessionEpoch: p.integer().default(0),
    createTime: p.datetime(3),
    updateTime: p.datetime(3),
    version: p.integer().default(1),
  },
});

/** A person who signs in to one tenant. Somebody who works for two has two accounts. */
export class UserAccount extends UserAccountSchema.class {}
UserAccountSchema.setClass(UserAccount);

/** The spelling of an e-mail address by which an account is found. */
export function emailKey(email: string): string {
  return email.normalize('NFC').toLowerCase();
}
