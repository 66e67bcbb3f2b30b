import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The assignments: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateAssignment extends Migration {
  override name = 'create-assignment';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'assignment',
        type: 'assignment',
        key: 'id',
        version: '$.version',
        content: [
          'record_type',
          'record_id',
          'rule_id',
          'rule_version',
          'user_id',
          'method',
          'decision',
          'skipped',
          'delete_time',
        ],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}

const tables = `
  create table assignment (
    tenant_id uuid not null,
    id uuid not null,
    record_type text not null,
    record_id uuid,
    rule_id uuid,
    rule_version int not null,
    user_id uuid,
    method text check (method in ('ROUND_ROBIN', 'WEIGHTED', 'LEAST_OPEN', 'STICKY', 'FIXED')),
    decision text check (decision in ('TURN', 'FEWEST_OPEN', 'CUSTOMER_OWNER', 'SAME_CUSTOMER', 'FIRST_MEMBER',
      'FALLBACK', 'NO_MEMBER')),
    skipped jsonb not null,
    version int not null,
    create_time timestamptz(3) not null,
    update_time timestamptz(3) not null,
    delete_time timestamptz(3),
    created_by text not null,
    updated_by text not null,
    terms text[] not null default '{}',
    index_version int not null default 0,
    primary key (tenant_id, id),
    constraint assignment_rule foreign key (tenant_id, rule_id) references assignment_rule (tenant_id, id)
  );

  alter table assignment
    alter column skipped set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column terms set statistics 0;

  create index assignment_live_by_create_time on assignment (tenant_id, create_time, id) where delete_time is null;

  create index assignment_deleted_by_create_time on assignment (tenant_id, create_time, id)
    where delete_time is not null;

  create index assignment_live_by_update_time on assignment (tenant_id, update_time, id) where delete_time is null;

  create index assignment_deleted_by_update_time on assignment (tenant_id, update_time, id)
    where delete_time is not null;

  create index assignment_deleted_by_delete_time on assignment (tenant_id, delete_time, id)
    where delete_time is not null;

  create index assignment_by_rule on assignment (tenant_id, rule_id) where rule_id is not null;

  create index assignment_terms on assignment using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index assignment_by_index_version on assignment (index_version);

  alter table assignment enable row level security;
  alter table assignment force row level security;
  create policy tenant_isolation on assignment
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create trigger end_associations after delete on assignment
    referencing old table as old_row for each statement execute function end_associations();
`;
