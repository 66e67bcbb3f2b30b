import { Migration } from '@mikro-orm/migrations';

/** Templates can be MJML. */
export class AllowMjmlTemplates extends Migration {
  override name = 'allow-mjml-templates';

  override up(): void {
    this.addSql(`alter table template drop constraint template_format_check,
      add constraint template_format_check check (format in ('TEXT', 'HTML', 'MJML'))`);
  }
}
