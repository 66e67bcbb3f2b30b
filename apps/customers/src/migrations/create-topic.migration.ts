import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The topics: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateTopic extends Migration {
  override name = 'create-topic';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'topic',
        type: 'topic',
        key: 'id',
        version: '$.version',
        content: ['key', 'name', 'description', 'texts', 'is_double_opt_in', 'legal_basis', 'cap', 'delete_time'],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}

const tables = `
  create table topic (
    tenant_id uuid not null,
    id uuid not null,
    key text not null,
    name text not null,
    sort_name text collate "C" not null,
    description text,
    texts jsonb not null,
    is_double_opt_in boolean not null,
    legal_basis text check (legal_basis in ('CONSENT', 'CONTRACT', 'LEGAL_OBLIGATION', 'VITAL_INTERESTS', 'PUBLIC_TASK',
      'LEGITIMATE_INTERESTS')),
    cap jsonb,
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

  alter table topic
    alter column key set statistics 0,
    alter column name set statistics 0,
    alter column description set statistics 0,
    alter column texts set statistics 0,
    alter column cap set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column terms set statistics 0;

  create index topic_live_by_name on topic (tenant_id, sort_name, id) where delete_time is null;

  create index topic_deleted_by_name on topic (tenant_id, sort_name, id) where delete_time is not null;

  create index topic_live_by_create_time on topic (tenant_id, create_time, id) where delete_time is null;

  create index topic_deleted_by_create_time on topic (tenant_id, create_time, id) where delete_time is not null;

  create index topic_live_by_update_time on topic (tenant_id, update_time, id) where delete_time is null;

  create index topic_deleted_by_update_time on topic (tenant_id, update_time, id) where delete_time is not null;

  create index topic_deleted_by_delete_time on topic (tenant_id, delete_time, id) where delete_time is not null;

  create index topic_terms on topic using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index topic_search on topic using gin (tenant_id, search_text gin_trgm_ops) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index topic_by_index_version on topic (index_version);

  alter table topic enable row level security;
  alter table topic force row level security;
  create policy tenant_isolation on topic
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create table topic_key (
    tenant_id uuid not null,
    type text not null check (type in ('KEY')),
    value text collate "C" not null,
    topic_id uuid not null,
    primary key (tenant_id, type, value),
    constraint topic_key_topic foreign key (tenant_id, topic_id) references topic (tenant_id, id)
      deferrable initially immediate
  );

  create index topic_key_by_topic on topic_key (tenant_id, topic_id);

  alter table topic_key enable row level security;
  alter table topic_key force row level security;
  create policy tenant_isolation on topic_key
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create trigger end_associations after delete on topic
    referencing old table as old_row for each statement execute function end_associations();
`;
