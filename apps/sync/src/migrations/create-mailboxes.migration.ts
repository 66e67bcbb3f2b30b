import { Migration } from '@mikro-orm/migrations';

/** Mailboxes, their positions in the folders of IMAP servers, and the turns of the workers that read them. */
export class CreateMailboxes extends Migration {
  override name = 'create-mailboxes';

  override up(): void {
    this.addSql(`
      create table mailbox (
        tenant_id uuid not null,
        id uuid not null,
        -- In lower case.
        address text not null,
        display_name text,
        kind text check (kind in ('IMAP', 'SEND_ONLY')) not null,
        -- Without its secrets, which are sealed as JSON.
        imap jsonb,
        sealed_secrets bytea not null,
        relay_id uuid,
        reply_domain text,
        is_default boolean not null,
        authserv_id text,
        state text check (state in ('ACTIVE', 'REAUTH', 'FAILING', 'PAUSED')) not null,
        state_reason text,
        version int not null,
        create_time timestamptz(3) not null,
        update_time timestamptz(3) not null,
        created_by text not null,
        primary key (tenant_id, id)
      );
      create unique index mailbox_address on mailbox (tenant_id, address);

      -- Mails of a folder up to the UID are stored messages.
      create table mailbox_folder (
        tenant_id uuid not null,
        mailbox_id uuid not null,
        name text not null,
        uid_validity bigint not null,
        uid bigint not null,
        modseq numeric(20),
        sync_time timestamptz(3),
        -- Former values of uid_validity, and whether the folder has not been read to its end since the last change.
        former_uid_validities bigint[] not null,
        is_renumbering boolean not null,
        -- Set while mails since this time have to be read again.
        resync_time timestamptz(3),
        primary key (tenant_id, mailbox_id, name),
        constraint mailbox_folder_mailbox foreign key (tenant_id, mailbox_id) references mailbox (tenant_id, id) on delete cascade
      );

      -- Mails that had another UID when they were stored, because the server has renumbered the folder since.
      create table renumbered_mail (
        tenant_id uuid not null,
        mailbox_id uuid not null,
        folder text not null,
        uid_validity bigint not null,
        uid bigint not null,
        sha256 text not null,
        -- What the mail was stored as.
        stored_uid_validity bigint not null,
        stored_uid bigint not null,
        primary key (tenant_id, mailbox_id, folder, uid_validity, uid),
        constraint renumbered_mail_mailbox foreign key (tenant_id, mailbox_id) references mailbox (tenant_id, id) on delete cascade
      );
    `);
    for (const table of ['mailbox', 'mailbox_folder', 'renumbered_mail']) {
      this.addSql(`
        alter table ${table} enable row level security;
        alter table ${table} force row level security;
        create policy tenant_isolation on ${table}
          using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
          with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
      `);
    }
    this.addSql(`
      -- The turns of workers. Not bound to a tenant: each process looks for mailboxes of all tenants that none holds.
      create table mailbox_turn (
        mailbox_id uuid not null primary key,
        tenant_id uuid not null,
        -- Whether mail is read.
        is_read boolean not null,
        -- Whether customers has the address as it is.
        is_announced boolean not null,
        is_deleted boolean not null,
        -- Grows with each change, which the worker that reads the mailbox takes over.
        revision int not null,
        -- Failures in a row, which delay the next turn.
        failure_count int not null,
        due_time timestamptz(3) not null,
        worker uuid,
        lease_time timestamptz(3)
      );
      create index mailbox_turn_read on mailbox_turn (due_time) where is_read;
      create index mailbox_turn_announced on mailbox_turn (mailbox_id) where not is_announced;
      create index mailbox_turn_tenant on mailbox_turn (tenant_id);
    `);
  }
}
