import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';

/** What topics need besides consents: subscriptions that wait for their confirmation, mail that counts for caps, and bounces. */
export class CreateOptIn extends Migration {
  override name = 'create-opt-in';

  override up(): void {
    this.addSql(tables);
    for (const table of ['opt_in', 'topic_send', 'soft_bounce']) {
      this.addSql(`
        alter table ${table} enable row level security;
        alter table ${table} force row level security;
        create policy tenant_isolation on ${table}
          using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
          with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
      `);
    }
    this.addSql(changeLogRights);
  }
}

const tables = `
  create table opt_in (
    tenant_id uuid not null,
    id uuid not null,
    customer_id uuid not null,
    address_hash bytea not null,
    topic_keys text[] not null,
    source text not null,
    evidence text,
    origin_type text,
    origin_id uuid,
    create_time timestamptz(3) not null,
    confirm_time timestamptz(3),
    primary key (tenant_id, id)
  );
  create index opt_in_of_address on opt_in (tenant_id, address_hash, create_time);
  create index opt_in_by_customer on opt_in (tenant_id, customer_id);

  create table topic_send (
    tenant_id uuid not null,
    topic_key text not null,
    customer_id uuid not null,
    send_id uuid not null,
    time timestamptz(3) not null,
    primary key (tenant_id, topic_key, customer_id, send_id)
  );
  create index topic_send_by_customer on topic_send (tenant_id, customer_id);

  create table soft_bounce (
    tenant_id uuid not null,
    address_hash bytea not null,
    message_id uuid not null,
    time timestamptz(3) not null,
    primary key (tenant_id, address_hash, message_id)
  );

  -- No foreign keys: with each claim of mail they would lock its customers, and wait for what else changes these.
  create function forget_topics_of_customer() returns trigger language plpgsql as $$
  begin
    delete from opt_in where tenant_id = old.tenant_id and customer_id = old.id;
    delete from topic_send where tenant_id = old.tenant_id and customer_id = old.id;
    return null;
  end $$;
  create trigger forget_topics after delete on customer for each row execute function forget_topics_of_customer();
`;
