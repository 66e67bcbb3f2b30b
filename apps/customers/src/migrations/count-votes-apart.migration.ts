import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/**
 * Votes for an article are no change of it. The triggers are created again, in one transaction: the previous release can write
 * before and after. A vote that it counts meanwhile still changes the version, without an entry of the change log.
 */
export class CountVotesApart extends Migration {
  override name = 'count-votes-apart';

  override up(): void {
    this.addSql(`
      drop function log_article_insert, log_article_update, log_article_delete cascade;
      drop trigger log_truncate on article;
      drop trigger log_rename on article;
    `);
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
          'external_ids',
          'delete_time',
          'tags',
        ],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
        counters: ['helpful_votes', 'unhelpful_votes'],
      }),
    );
    this.addSql(changeLogRights);
  }
}
