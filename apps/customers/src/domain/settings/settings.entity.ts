import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation } from '@rapport/persistence';

const SettingsSchema = defineEntity({
  name: 'WorkspaceSettings',
  tableName: 'workspace_settings',
  ...tenantIsolation,
  properties: {
    tenantId: p.uuid().primary(),
    /** The tenant's id: identifies the record in the change log. */
    id: p.uuid(),
    baseCurrency: p.text(),
    timeZone: p.text(),
    locale: p.text(),
    weekStart: p.enum(['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY'] as const),
    fiscalYearStartMonth: p.integer(),
    version: p.integer(),
    updateTime: p.datetime(3),
    updatedBy: p.text(),
  },
});

/** The settings of a workspace. There is no row before the first change. */
export class WorkspaceSettings extends SettingsSchema.class {}
SettingsSchema.setClass(WorkspaceSettings);
