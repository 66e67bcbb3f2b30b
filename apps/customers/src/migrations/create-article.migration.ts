import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The articles: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateArticle extends Migration {
  override name = 'create-article';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'article',
        type: 'article',
        key: 'id',
        version: '$.version',
        content: [
          'slug',
          'locale',
          'path',
          'title',
          'markdown',
          'section_id',
          'audience',
          'state',
          'published_version',
          'published',
          'changed_since_publish',
          'helpful_votes',
          'unhelpful_votes',
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
  create table article (
    tenant_id uuid not null,
    id uuid not null,
    slug text not null,
    locale text not null,
    path text not null,
    title text not null,
    sort_title text collate "C" not null,
    markdown text not null,
    section_id uuid,
    audience text check (audience in ('PUBLIC', 'CUSTOMERS', 'AGENTS')),
    state text check (state in ('DRAFT', 'PUBLISHED', 'ARCHIVED')),
    published_version int not null,
    published jsonb,
    changed_since_publish boolean not null,
    helpful_votes int not null,
    unhelpful_votes int not null,
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
    primary key (tenant_id, id),
    constraint article_section foreign key (tenant_id, section_id) references article_section (tenant_id, id)
  );

  alter table article
    alter column slug set statistics 0,
    alter column path set statistics 0,
    alter column title set statistics 0,
    alter column markdown set statistics 0,
    alter column published set statistics 0,
    alter column external_ids set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column tags set statistics 0,
    alter column terms set statistics 0;

  create index article_live_by_title on article (tenant_id, sort_title, id) where delete_time is null;

  create index article_deleted_by_title on article (tenant_id, sort_title, id) where delete_time is not null;

  create index article_live_by_helpful_votes on article (tenant_id, helpful_votes, id) where delete_time is null;

  create index article_live_by_unhelpful_votes on article (tenant_id, unhelpful_votes, id) where delete_time is null;

  create index article_live_by_create_time on article (tenant_id, create_time, id) where delete_time is null;

  create index article_deleted_by_create_time on article (tenant_id, create_time, id) where delete_time is not null;

  create index article_live_by_update_time on article (tenant_id, update_time, id) where delete_time is null;

  create index article_deleted_by_update_time on article (tenant_id, update_time, id) where delete_time is not null;

  create index article_deleted_by_delete_time on article (tenant_id, delete_time, id) where delete_time is not null;

  create index article_by_section on article (tenant_id, section_id) where section_id is not null;

  create index article_terms on article using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index article_search on article using gin (tenant_id, search_text gin_trgm_ops)
    with (gin_pending_list_limit = 256) where delete_time is null;

  create index article_by_index_version on article (index_version);

  alter table article enable row level security;
  alter table article force row level security;
  create policy tenant_isolation on article
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create table article_key (
    tenant_id uuid not null,
    type text not null check (type in ('PATH', 'EXTERNAL_ID')),
    value text collate "C" not null,
    article_id uuid not null,
    primary key (tenant_id, type, value),
    constraint article_key_article foreign key (tenant_id, article_id) references article (tenant_id, id)
      deferrable initially immediate
  );

  create index article_key_by_article on article_key (tenant_id, article_id);

  alter table article_key enable row level security;
  alter table article_key force row level security;
  create policy tenant_isolation on article_key
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create trigger end_associations after delete on article
    referencing old table as old_row for each statement execute function end_associations();
`;
