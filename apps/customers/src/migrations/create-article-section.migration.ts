import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The articleSections: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateArticleSection extends Migration {
  override name = 'create-article-section';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'article_section',
        type: 'article_section',
        key: 'id',
        version: '$.version',
        content: ['slug', 'name', 'description', 'position', 'external_ids', 'delete_time', 'tags'],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}

const tables = `
  create table article_section (
    tenant_id uuid not null,
    id uuid not null,
    slug text not null,
    name text not null,
    sort_name text collate "C" not null,
    description text,
    position int not null,
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

  alter table article_section
    alter column slug set statistics 0,
    alter column name set statistics 0,
    alter column description set statistics 0,
    alter column external_ids set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column tags set statistics 0,
    alter column terms set statistics 0;

  create index article_section_live_by_name on article_section (tenant_id, sort_name, id) where delete_time is null;

  create index article_section_deleted_by_name on article_section (tenant_id, sort_name, id)
    where delete_time is not null;

  create index article_section_live_by_position on article_section (tenant_id, position, id) where delete_time is null;

  create index article_section_live_by_create_time on article_section (tenant_id, create_time, id)
    where delete_time is null;

  create index article_section_deleted_by_create_time on article_section (tenant_id, create_time, id)
    where delete_time is not null;

  create index article_section_live_by_update_time on article_section (tenant_id, update_time, id)
    where delete_time is null;

  create index article_section_deleted_by_update_time on article_section (tenant_id, update_time, id)
    where delete_time is not null;

  create index article_section_deleted_by_delete_time on article_section (tenant_id, delete_time, id)
    where delete_time is not null;

  create index article_section_terms on article_section using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index article_section_search on article_section using gin (tenant_id, search_text gin_trgm_ops)
    with (gin_pending_list_limit = 256) where delete_time is null;

  create index article_section_by_index_version on article_section (index_version);

  alter table article_section enable row level security;
  alter table article_section force row level security;
  create policy tenant_isolation on article_section
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create table article_section_key (
    tenant_id uuid not null,
    type text not null check (type in ('SLUG', 'EXTERNAL_ID')),
    value text collate "C" not null,
    article_section_id uuid not null,
    primary key (tenant_id, type, value),
    constraint article_section_key_article_section foreign key (tenant_id, article_section_id)
      references article_section (tenant_id, id)
      deferrable initially immediate
  );

  create index article_section_key_by_article_section on article_section_key (tenant_id, article_section_id);

  alter table article_section_key enable row level security;
  alter table article_section_key force row level security;
  create policy tenant_isolation on article_section_key
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create trigger end_associations after delete on article_section
    referencing old table as old_row for each statement execute function end_associations();
`;
