import { Migration } from '@mikro-orm/migrations';

/** The ids of the keys of hashes, so that a command can say which keys are in use. Null until a hash of before is used. */
export class RecordHashKeys extends Migration {
  override name = 'record-hash-keys';

  override up(): void {
    this.addSql(`
      alter table api_key add column hash_key_id text, add column previous_hash_key_id text;
      alter table oauth_client add column secret_key_id text;
      alter table recovery_code add column hash_key_id text;
    `);
  }
}
