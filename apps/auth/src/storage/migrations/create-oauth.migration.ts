import { Migration } from '@mikro-orm/migrations';

export class CreateOAuth extends Migration {
  override name = 'create-oauth';

  override up(): void {
    this.addSql(`
      create table oauth_client (
        tenant_id uuid not null,
        id uuid not null,
        display_name text not null,
        redirect_uris text[] not null,
        grant_types text[] not null,
        permissions text[] not null,
        secret_hash bytea,
        create_time timestamptz(3) not null,
        update_time timestamptz(3) not null,
        primary key (tenant_id, id)
      );
      alter table oauth_client enable row level security;
      alter table oauth_client force row level security;
      create policy tenant_isolation on oauth_client
        using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

      -- Of all tenants: they are found by what a browser or a client shows, before anybody knows a tenant. Nothing lists them;
      -- the hash of an id of 126 random bits or more, which only its holder has, finds one of them.
      create table oidc_record (
        hash bytea not null primary key,
        kind text not null,
        grant_hash bytea,
        -- Of a session, and of the tokens that end with it.
        uid_hash bytea,
        tenant_id uuid,
        client_id uuid,
        user_id uuid,
        payload jsonb not null,
        consume_time timestamptz(3),
        expire_time timestamptz(3) not null
      );
      create index oidc_record_grant on oidc_record (grant_hash);
      create index oidc_record_uid on oidc_record (uid_hash);
      create index oidc_record_client on oidc_record (tenant_id, client_id);
      create index oidc_record_expiry on oidc_record (expire_time);
      -- Whoever writes a token locks its grant against deletion, and whoever deletes a grant or a client takes everything with it:
      -- no token outlives a revocation, whatever runs at the same time.
      alter table oidc_record
        add constraint oidc_record_grant_hash_foreign foreign key (grant_hash) references oidc_record (hash) on delete cascade,
        add constraint oidc_record_tenant_id_client_id_foreign foreign key (tenant_id, client_id)
          references oauth_client (tenant_id, id) on delete cascade;

      -- Of all tenants: everybody's tokens are signed with the same keys.
      create table signing_key (
        id uuid not null primary key,
        sealed_jwk bytea not null,
        create_time timestamptz(3) not null
      );
    `);
  }
}
