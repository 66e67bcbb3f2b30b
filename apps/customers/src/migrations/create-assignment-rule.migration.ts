import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The assignmentRules: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateAssignmentRule extends Migration {
  override name = 'create-assignment-rule';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'assignment_rule',
        type: 'assignment_rule',
        key: 'id',
        version: '$.version',
        content: [
          'name',
          'record_type',
          'position',
          'filter',
          'method',
          'members',
          'fallback_user_id',
          'state',
          'external_ids',
          'delete_time',
        ],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}

const tables = `
  create table assignment_rule (
    tenant_id uuid not null,
    id uuid not null,
    name text not null,
    sort_name text collate "C" not null,
    record_type text not null,
    position int,
    filter text,
    method text not null check (method in ('ROUND_ROBIN', 'WEIGHTED', 'LEAST_OPEN', 'STICKY', 'FIXED')),
    members jsonb not null,
    fallback_user_id uuid,
    state text check (state in ('ACTIVE', 'PAUSED')),
    external_ids jsonb not null,
    version int not null,
    create_time timestamptz(3) not null,
    update_time timestamptz(3) not null,
    delete_time timestamptz(3),
    created_by text not null,
    updated_by text not null,
    search_text text not null,
    terms text[] not null default '{}',
    index_version int not null default 0,
    primary key (tenant_id, id)
  );

  alter table assignment_rule
    alter column name set statistics 0,
    alter column filter set statistics 0,
    alter column members set statistics 0,
    alter column external_ids set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column terms set statistics 0;

  create index assignment_rule_live_by_name on assignment_rule (tenant_id, sort_name, id) where delete_time is null;

  create index assignment_rule_deleted_by_name on assignment_rule (tenant_id, sort_name, id)
    where delete_time is not null;

  create index assignment_rule_live_by_position on assignment_rule (tenant_id, position, id) where delete_time is null;

  create index assignment_rule_live_by_create_time on assignment_rule (tenant_id, create_time, id)
    where delete_time is null;

  create index assignment_rule_deleted_by_create_time on assignment_rule (tenant_id, create_time, id)
    where delete_time is not null;

  create index assignment_rule_live_by_update_time on assignment_rule (tenant_id, update_time, id)
    where delete_time is null;

  create index assignment_rule_deleted_by_update_time on assignment_rule (tenant_id, update_time, id)
    where delete_time is not null;

  create index assignment_rule_deleted_by_delete_time on assignment_rule (tenant_id, delete_time, id)
    where delete_time is not null;

  create index assignment_rule_terms on assignment_rule using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index assignment_rule_search on assignment_rule using gin (tenant_id, search_text gin_trgm_ops)
    with (gin_pending_list_limit = 256) where delete_time is null;

  create index assignment_rule_by_index_version on assignment_rule (index_version);

  alter table assignment_rule enable row level security;
  alter table assignment_rule force row level security;
  create policy tenant_isolation on assignment_rule
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create table assignment_rule_key (
    tenant_id uuid not null,
    type text not null check (type in ('EXTERNAL_ID')),
    value text collate "C" not null,
    assignment_rule_id uuid not null,
    primary key (tenant_id, type, value),
    constraint assignment_rule_key_assignment_rule foreign key (tenant_id, assignment_rule_id)
      references assignment_rule (tenant_id, id)
      deferrable initially immediate
  );

  create index assignment_rule_key_by_assignment_rule on assignment_rule_key (tenant_id, assignment_rule_id);

  alter table assignment_rule_key enable row level security;
  alter table assignment_rule_key force row level security;
  create policy tenant_isolation on assignment_rule_key
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create trigger end_associations after delete on assignment_rule
    referencing old table as old_row for each statement execute function end_associations();
`;
