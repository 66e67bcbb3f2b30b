import { Migration } from '@mikro-orm/migrations';

/** The addresses by which other systems start flows, and the keys of the calls that have started runs. */
export class CreateFlowHooks extends Migration {
  override name = 'create-flow-hooks';

  override up(): void {
    this.addSql(`
      -- Not bound to a tenant: a call comes with a token, and nothing says of which tenant. It holds ids and hashes only.
      create table flow_hook (
        -- SHA-256 of the token.
        token_hash bytea not null primary key,
        tenant_id uuid not null,
        flow_id uuid not null,
        create_time timestamptz(3) not null default clock_timestamp(),
        unique (tenant_id, flow_id),
        constraint flow_hook_flow foreign key (tenant_id, flow_id) references flow (tenant_id, id) on delete cascade
      );

      -- SHA-256 of the Idempotency-Key of the call that has started the run.
      alter table flow_run add column hook_key bytea;
      create unique index flow_run_by_hook_key on flow_run (tenant_id, flow_id, hook_key) where hook_key is not null;
    `);
  }
}
