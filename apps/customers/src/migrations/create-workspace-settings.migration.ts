import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The settings of workspaces: one row for each tenant that has changed them. */
export class CreateWorkspaceSettings extends Migration {
  override name = 'create-workspace-settings';

  override up(): void {
    this.addSql(table);
    this.addSql(
      triggersOf({
        table: 'workspace_settings',
        type: 'settings',
        key: 'id',
        version: '$.version',
        content: ['base_currency', 'time_zone', 'locale', 'week_start', 'fiscal_year_start_month'],
        bookkeeping: ['version', 'update_time', 'updated_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}

const table = `
  create table workspace_settings (
    tenant_id uuid primary key,
    id uuid not null,
    base_currency text not null,
    time_zone text not null,
    locale text not null,
    week_start text not null
      check (week_start in ('MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY')),
    fiscal_year_start_month int not null,
    version int not null,
    update_time timestamptz(3) not null,
    updated_by text not null
  );

  alter table workspace_settings enable row level security;
  alter table workspace_settings force row level security;
  create policy tenant_isolation on workspace_settings
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
`;
