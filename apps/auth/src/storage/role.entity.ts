import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation, TextArray } from '@rapport/persistence';
import { recordScopes } from './record-scope.js';

const RoleSchema = defineEntity({
  name: 'Role',
  tableName: 'role',
  ...tenantIsolation,
  uniques: [{ name: 'role_display_name', properties: ['tenantId', 'displayName'] }],
  properties: {
    tenantId: p.uuid().primary(),
    id: p.uuid().primary(),
    displayName: p.text(),
    permissions: p.type(TextArray).$type<string[]>(),
    recordScope: p.enum(recordScopes),
    hidesPii: p.boolean(),
    createTime: p.datetime(3),
    updateTime: p.datetime(3),
    version: p.integer().default(1),
  },
});

/** A role that a tenant has defined. Built-in roles are not stored. */
export class Role extends RoleSchema.class {}
RoleSchema.setClass(Role);
