import { Migration } from '@mikro-orm/migrations';

/**
 * Links of public pages, by the hash of their tokens. The policy `by_token` shows a session the one row whose hash it states, so that
 * the tenant of a link is found without reading the links of any tenant.
 */
export class CreatePublicLink extends Migration {
  override name = 'create-public-link';

  override up(): void {
    this.addSql(table);
  }
}

const table = `
  create table public_link (
    tenant_id uuid not null,
    id uuid not null,
    kind text not null,
    record_id uuid not null,
    token_hash text not null,
    create_time timestamptz(3) not null,
    created_by text not null,
    primary key (tenant_id, id)
  );

  create index public_link_by_token on public_link (token_hash);
  create index public_link_of_record on public_link (tenant_id, record_id);

  alter table public_link enable row level security;
  alter table public_link force row level security;
  create policy tenant_isolation on public_link
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
  create policy by_token on public_link for select
    using (token_hash = nullif(current_setting('app.link_hash', true), ''));

  create table quote_number (
    tenant_id uuid not null,
    last_number int not null,
    primary key (tenant_id)
  );

  alter table quote_number enable row level security;
  alter table quote_number force row level security;
  create policy tenant_isolation on quote_number
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
`;
