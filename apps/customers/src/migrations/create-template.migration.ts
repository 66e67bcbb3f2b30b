import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The templates: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateTemplate extends Migration {
  override name = 'create-template';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'template',
        type: 'template',
        key: 'id',
        version: '$.version',
        content: [
          'key',
          'name',
          'kind',
          'format',
          'subject',
          'body',
          'text_body',
          'locale',
          'state',
          'published_version',
          'published',
          'changed_since_publish',
          'external_ids',
          'delete_time',
          'tags',
        ],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}

const tables = `
  create table template (
    tenant_id uuid not null,
    id uuid not null,
    key text not null,
    name text not null,
    sort_name text collate "C" not null,
    kind text check (kind in ('EMAIL', 'MACRO')),
    format text check (format in ('TEXT', 'HTML')),
    subject text,
    body text not null,
    text_body text,
    locale text,
    state text check (state in ('DRAFT', 'PUBLISHED')),
    published_version int not null,
    published jsonb,
    changed_since_publish boolean not null,
    external_ids jsonb not null,
    version int not null,
    create_time timestamptz(3) not null,
    update_time timestamptz(3) not null,
    delete_time timestamptz(3),
    created_by text not null,
    updated_by text not null,
    tags text[] not null,
    search_text text not null,
    terms text[] not null default '{}',
    index_version int not null default 0,
    primary key (tenant_id, id)
  );

  alter table template
    alter column key set statistics 0,
    alter column name set statistics 0,
    alter column subject set statistics 0,
    alter column body set statistics 0,
    alter column text_body set statistics 0,
    alter column published set statistics 0,
    alter column external_ids set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column tags set statistics 0,
    alter column terms set statistics 0;

  create index template_live_by_name on template (tenant_id, sort_name, id) where delete_time is null;

  create index template_deleted_by_name on template (tenant_id, sort_name, id) where delete_time is not null;

  create index template_live_by_create_time on template (tenant_id, create_time, id) where delete_time is null;

  create index template_deleted_by_create_time on template (tenant_id, create_time, id) where delete_time is not null;

  create index template_live_by_update_time on template (tenant_id, update_time, id) where delete_time is null;

  create index template_deleted_by_update_time on template (tenant_id, update_time, id) where delete_time is not null;

  create index template_deleted_by_delete_time on template (tenant_id, delete_time, id) where delete_time is not null;

  create index template_terms on template using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index template_search on template using gin (tenant_id, search_text gin_trgm_ops)
    with (gin_pending_list_limit = 256) where delete_time is null;

  create index template_by_index_version on template (index_version);

  alter table template enable row level security;
  alter table template force row level security;
  create policy tenant_isolation on template
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create table template_key (
    tenant_id uuid not null,
    type text not null check (type in ('KEY', 'EXTERNAL_ID')),
    value text collate "C" not null,
    template_id uuid not null,
    primary key (tenant_id, type, value),
    constraint template_key_template foreign key (tenant_id, template_id) references template (tenant_id, id)
      deferrable initially immediate
  );

  create index template_key_by_template on template_key (tenant_id, template_id);

  alter table template_key enable row level security;
  alter table template_key force row level security;
  create policy tenant_isolation on template_key
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create trigger end_associations after delete on template
    referencing old table as old_row for each statement execute function end_associations();
`;
