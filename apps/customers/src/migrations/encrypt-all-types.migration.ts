import { Migration } from '@mikro-orm/migrations';

/** Which records the encryption of a tenant is at: those of one table after the other. The previous release seals customers only. */
export class EncryptAllTypes extends Migration {
  override name = 'encrypt-all-types';

  override up(): void {
    this.addSql(`alter table tenant_encryption add column done_table text not null default 'customer'`);
  }
}
