import { Migration } from '@mikro-orm/migrations';

/** What is found of published articles: a row for each article that its audience can read. */
export class CreateArticleText extends Migration {
  override name = 'create-article-text';

  override up(): void {
    this.addSql(table);
  }
}

const table = `
  create table article_text (
    tenant_id uuid not null,
    article_id uuid not null,
    locale text not null,
    audience text not null check (audience in ('PUBLIC', 'CUSTOMERS', 'AGENTS')),
    path text not null,
    title text not null,
    excerpt text not null,
    words tsvector not null,
    primary key (tenant_id, article_id),
    constraint article_text_article foreign key (tenant_id, article_id) references article (tenant_id, id)
      on delete cascade
  );

  create index article_text_by_path on article_text (tenant_id, path);

  alter table article_text enable row level security;
  alter table article_text force row level security;
  create policy tenant_isolation on article_text
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
`;
