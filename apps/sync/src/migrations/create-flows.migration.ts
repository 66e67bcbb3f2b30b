import { Migration } from '@mikro-orm/migrations';

/** Flows, their published versions, and the secrets of their steps. */
export class CreateFlows extends Migration {
  override name = 'create-flows';

  override up(): void {
    this.addSql(`
      create table flow (
        tenant_id uuid not null,
        id uuid not null,
        key text not null,
        name text not null,
        description text,
        state text check (state in ('DRAFT', 'ACTIVE', 'PAUSED', 'FROZEN', 'RETIRED')) not null,
        -- The draft, and its SHA-256 in hexadecimal.
        definition jsonb not null,
        checksum text not null,
        -- Of the active version.
        active_version int,
        active_checksum text,
        published_by text,
        version int not null,
        create_time timestamptz(3) not null,
        update_time timestamptz(3) not null,
        created_by text not null,
        updated_by text not null,
        primary key (tenant_id, id)
      );
      create unique index flow_key on flow (tenant_id, key);

      -- Immutable: runs follow the version that they started with.
      create table flow_version (
        tenant_id uuid not null,
        flow_id uuid not null,
        version int not null,
        definition jsonb not null,
        checksum text not null,
        published_by text not null,
        publish_time timestamptz(3) not null,
        primary key (tenant_id, flow_id, version),
        constraint flow_version_flow foreign key (tenant_id, flow_id) references flow (tenant_id, id) on delete cascade
      );

      create table flow_secret (
        tenant_id uuid not null,
        name text not null,
        sealed_value bytea not null,
        update_time timestamptz(3) not null,
        updated_by text not null,
        primary key (tenant_id, name)
      );
    `);
    for (const table of ['flow', 'flow_version', 'flow_secret']) {
      this.addSql(`
        alter table ${table} enable row level security;
        alter table ${table} force row level security;
        create policy tenant_isolation on ${table}
          using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
          with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
      `);
    }
    this.addSql(`
      -- Tenants with published flows. The revision grows with each change of what can start runs. Not bound to a tenant:
      -- the feed consumer looks for those that changes concern.
      create table flow_tenant (
        tenant_id uuid not null primary key,
        revision bigint not null
      );
    `);
  }
}
