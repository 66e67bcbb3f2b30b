import { Migration } from '@mikro-orm/migrations';

/** A release that does not know the columns goes on making keys: they see every record, as before. */
export class WidenApiKey extends Migration {
  override name = 'widen-api-key';

  override up(): void {
    this.addSql(`
      alter table api_key
        add column record_scope text not null default 'ALL' check (record_scope in ('OWN', 'TEAM', 'ALL')),
        add column team_id uuid,
        add column hides_pii boolean not null default false,
        add column last_use_time timestamptz(3),
        add column previous_hash bytea,
        add column previous_expire_time timestamptz(3),
        add constraint api_key_previous_hash unique (tenant_id, previous_hash);
    `);
  }
}
