import { Migration } from '@mikro-orm/migrations';

/** A search of articles read all texts of its tenant. */
export class IndexArticleWords extends Migration {
  override name = 'index-article-words';

  override up(): void {
    this.addSql(`
      create index article_text_words on article_text using gin (tenant_id, words) with (gin_pending_list_limit = 256);
      create index article_text_by_locale on article_text (tenant_id, locale);
    `);
  }
}
