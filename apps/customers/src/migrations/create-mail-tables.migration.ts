import { Migration } from '@mikro-orm/migrations';

/** What messages need beside their records: places in mailboxes, work, envelopes, addresses, and automatic answers. */
export class CreateMailTables extends Migration {
  override name = 'create-mail-tables';

  override up(): void {
    this.addSql(tables);
    for (const table of ofTenants) {
      this.addSql(`
        alter table ${table} enable row level security;
        alter table ${table} force row level security;
        create policy tenant_isolation on ${table}
          using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
          with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
      `);
    }
    this.addSql(rules);
  }
}

const ofTenants = ['mail_place', 'mail_envelope', 'mail_address', 'mail_key', 'auto_reply'];

const tables = `
  -- The place of a received message in its mailbox: its identity, whatever the message says about itself.
  create table mail_place (
    tenant_id uuid not null,
    mailbox_id uuid not null,
    folder text collate "C" not null,
    uid_validity bigint not null,
    uid bigint not null,
    message_id uuid not null,
    primary key (tenant_id, mailbox_id, folder, uid_validity, uid)
  );
  create index mail_place_of_message on mail_place (tenant_id, message_id);

  -- Messages to parse and to send, of all tenants, which workers look for: only ids and times.
  create table mail_job (
    tenant_id uuid not null,
    message_id uuid not null,
    kind text not null check (kind in ('PARSE', 'SEND')),
    mailbox_id uuid not null,
    attempts int not null default 0,
    lease_end_time timestamptz(3),
    primary key (tenant_id, message_id)
  );
  create index mail_job_by_tenant on mail_job (kind, tenant_id, mailbox_id, message_id);
  create index mail_job_by_lease on mail_job (tenant_id, kind, lease_end_time) where lease_end_time is not null;

  -- What the envelope of a message to send has beside the message. A bounce names it by the token.
  create table mail_envelope (
    tenant_id uuid not null,
    message_id uuid not null,
    bounce_token text not null,
    bcc text,
    attempt int not null default 0,
    primary key (tenant_id, message_id)
  );
  create unique index mail_envelope_by_token on mail_envelope (tenant_id, bounce_token);

  -- What is known of the mailboxes of sync.
  create table mail_address (
    tenant_id uuid not null,
    mailbox_id uuid not null,
    address text not null,
    name text,
    reply_domain text,
    is_default boolean not null,
    can_send boolean not null,
    primary key (tenant_id, mailbox_id)
  );

  -- Signs the tokens of reply addresses.
  create table mail_key (
    tenant_id uuid not null,
    secret bytea not null,
    primary key (tenant_id)
  );

  -- When an address last got an automatic answer of a mailbox, by a hash of the address.
  create table auto_reply (
    tenant_id uuid not null,
    mailbox_id uuid not null,
    address_hash bytea not null,
    time timestamptz(3) not null,
    primary key (tenant_id, mailbox_id, address_hash)
  );

  create index message_by_internet_message_id on message (tenant_id, internet_message_id)
    where internet_message_id is not null;
  create index message_by_ticket on message (tenant_id, ticket_id, id) where ticket_id is not null;
`;

const rules = `
  -- What the erasure of a message leaves: blind copies are not part of its record.
  create function erase_envelope() returns trigger language plpgsql as $$
  begin
    update mail_envelope set bcc = null where tenant_id = new.tenant_id and message_id = new.id and bcc is not null;
    return null;
  end $$;

  create trigger erase_envelope after update on message for each row
    when (old.customer_id is not null and new.customer_id is null) execute function erase_envelope();

  -- Callers see the messages of the tickets, or else of the customers, that they see. Anyone's work can write one.
  create policy record_scope on message as restrictive
    using ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null
      or case when ticket_id is null then sees_customer(customer_id) else sees_record('ticket', ticket_id) end)
    with check (true);
`;
