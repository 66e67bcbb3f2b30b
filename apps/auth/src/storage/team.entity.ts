import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation } from '@rapport/persistence';

const TeamSchema = defineEntity({
  name: 'Team',
  tableName: 'team',
  ...tenantIsolation,
  uniques: [{ name: 'team_display_name', properties: ['tenantId', 'displayName'] }],
  properties: {
    tenantId: p.uuid().primary(),
    id: p.uuid().primary(),
    displayName: p.text(),
    createTime: p.datetime(3),
    updateTime: p.datetime(3),
    version: p.integer().default(1),
  },
});

export class Team extends TeamSchema.class {}
TeamSchema.setClass(Team);
