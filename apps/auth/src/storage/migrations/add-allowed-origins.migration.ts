import { Migration } from '@mikro-orm/migrations';

export class AddAllowedOrigins extends Migration {
  override name = 'add-allowed-origins';

  override up(): void {
    this.addSql(`
      alter table oauth_client add allowed_origins text[] not null default '{}';
      -- Asked for with each credential, whose tenant mostly has none.
      create index oauth_client_allowed_origins on oauth_client (tenant_id) where allowed_origins <> '{}';

      -- Of all tenants: a preflight has no credential, so it is answered by the origins of all. There is nothing in it but
      -- origins, and ids that no table leads from to a tenant without the tenant being known.
      create table allowed_origin (
        origin text collate "C" not null,
        oauth_client_id uuid not null,
        primary key (origin, oauth_client_id)
      );

      create function keep_allowed_origins() returns trigger language plpgsql as $$
      begin
        if tg_op <> 'INSERT' then
          delete from allowed_origin where origin = any (old.allowed_origins) and oauth_client_id = old.id;
        end if;
        if tg_op <> 'DELETE' then
          insert into allowed_origin (origin, oauth_client_id)
            select distinct unnest(new.allowed_origins), new.id;
        end if;
        return null;
      end $$;
      create trigger keep_allowed_origins after insert or delete or update of allowed_origins on oauth_client
        for each row execute function keep_allowed_origins();
    `);
  }
}
