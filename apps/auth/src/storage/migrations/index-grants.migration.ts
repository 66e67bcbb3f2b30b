import { Migration } from '@mikro-orm/migrations';

export class IndexGrants extends Migration {
  override name = 'index-grants';

  override up(): void {
    // By which users find what they have granted.
    this.addSql(`create index oidc_record_user on oidc_record (tenant_id, user_id) where kind = 'Grant'`);
  }
}
