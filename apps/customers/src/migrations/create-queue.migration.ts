import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The queues: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateQueue extends Migration {
  override name = 'create-queue';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'queue',
        type: 'queue',
        key: 'id',
        version: '$.version',
        content: [
          'key',
          'name',
          'mailbox_ids',
          'team_ids',
          'calendar_id',
          'assignment_rule_id',
          'lease_order',
          'lease_seconds',
          'capacity',
          'auto_reply_template_id',
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
  create table queue (
    tenant_id uuid not null,
    id uuid not null,
    key text not null,
    name text not null,
    sort_name text collate "C" not null,
    mailbox_ids text[] not null,
    team_ids text[] not null,
    calendar_id uuid,
    assignment_rule_id uuid,
    lease_order text check (lease_order in ('OLDEST', 'DUE', 'PRIORITY')),
    lease_seconds int,
    capacity int,
    auto_reply_template_id uuid,
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
    primary key (tenant_id, id),
    constraint queue_calendar foreign key (tenant_id, calendar_id) references calendar (tenant_id, id),
    constraint queue_assignment_rule foreign key (tenant_id, assignment_rule_id) references assignment_rule (tenant_id,
      id)
  );

  alter table queue
    alter column key set statistics 0,
    alter column name set statistics 0,
    alter column mailbox_ids set statistics 0,
    alter column team_ids set statistics 0,
    alter column external_ids set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column terms set statistics 0;

  create index queue_live_by_name on queue (tenant_id, sort_name, id) where delete_time is null;

  create index queue_deleted_by_name on queue (tenant_id, sort_name, id) where delete_time is not null;

  create index queue_live_by_create_time on queue (tenant_id, create_time, id) where delete_time is null;

  create index queue_deleted_by_create_time on queue (tenant_id, create_time, id) where delete_time is not null;

  create index queue_live_by_update_time on queue (tenant_id, update_time, id) where delete_time is null;

  create index queue_deleted_by_update_time on queue (tenant_id, update_time, id) where delete_time is not null;

  create index queue_deleted_by_delete_time on queue (tenant_id, delete_time, id) where delete_time is not null;

  create index queue_by_calendar on queue (tenant_id, calendar_id) where calendar_id is not null;

  create index queue_by_assignment_rule on queue (tenant_id, assignment_rule_id) where assignment_rule_id is not null;

  create index queue_terms on queue using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index queue_search on queue using gin (tenant_id, search_text gin_trgm_ops) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index queue_by_index_version on queue (index_version);

  alter table queue enable row level security;
  alter table queue force row level security;
  create policy tenant_isolation on queue
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create table queue_key (
    tenant_id uuid not null,
    type text not null check (type in ('KEY', 'EXTERNAL_ID')),
    value text collate "C" not null,
    queue_id uuid not null,
    primary key (tenant_id, type, value),
    constraint queue_key_queue foreign key (tenant_id, queue_id) references queue (tenant_id, id)
      deferrable initially immediate
  );

  create index queue_key_by_queue on queue_key (tenant_id, queue_id);

  alter table queue_key enable row level security;
  alter table queue_key force row level security;
  create policy tenant_isolation on queue_key
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create trigger end_associations after delete on queue
    referencing old table as old_row for each statement execute function end_associations();
`;
