import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** Files of records, their uploads and their bytes. */
export class CreateFile extends Migration {
  override name = 'create-file';

  override up(): void {
    this.addSql(tables);
    for (const table of ['file', 'file_upload', 'file_content', 'file_piece', 'file_usage']) {
      this.addSql(`
        alter table ${table} enable row level security;
        alter table ${table} force row level security;
        create policy tenant_isolation on ${table}
          using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
          with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
      `);
    }
    for (const table of ['file', 'file_upload']) {
      this.addSql(`create policy record_scope on ${table} as restrictive using (${seen}) with check (${seen});`);
    }
    for (const [table, isSealed] of Object.entries(sealedTables)) {
      this.addSql(`create policy sealed_only on ${table} as restrictive using (true)
        with check ((${isSealed}) or not exists (select from tenant_encryption));`);
    }
    this.addSql(
      triggersOf({
        table: 'file',
        type: 'file',
        key: 'id',
        version: '$.version',
        content: ['record', 'name', 'content_type', 'size_bytes', 'sha256', 'delete_time'],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
        // By which a reader of a change finds out whether it may read the record.
        always: ['record'],
      }),
    );
    this.addSql(changeLogRights);
  }
}

/** The condition of sealed rows, by table. */
const sealedTables = {
  file: 'starts_with(name, chr(1)) and starts_with(sha256, chr(1))',
  file_upload: 'starts_with(name, chr(1)) and (sha256 is null or starts_with(sha256, chr(1)))',
  file_content: 'sha256 is null',
  file_piece: 'sealed',
};

const seen = `(select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null or sees_record(record_table, record)`;

const tables = `
  -- Bytes, in the pieces of content_id. Files of a tenant with the same hash share them. Sealed bytes have no hash: they are of one file.
  create table file_content (
    tenant_id uuid not null,
    content_id uuid not null,
    sha256 text,
    size_bytes int not null,
    primary key (tenant_id, content_id)
  );
  create unique index file_content_by_sha256 on file_content (tenant_id, sha256);

  create table file_piece (
    tenant_id uuid not null,
    content_id uuid not null,
    start int not null,
    data bytea not null,
    sealed boolean not null default false,
    primary key (tenant_id, content_id, start)
  );
  -- Most files are compressed already.
  alter table file_piece alter column data set storage external;

  create table file (
    tenant_id uuid not null,
    id uuid not null,
    record text collate "C" not null,
    record_table text not null,
    name text not null,
    content_type text not null,
    size_bytes int not null,
    sha256 text not null,
    content_id uuid not null,
    version int not null,
    create_time timestamptz(3) not null,
    update_time timestamptz(3) not null,
    delete_time timestamptz(3),
    created_by text not null,
    updated_by text not null,
    primary key (tenant_id, id),
    constraint file_content foreign key (tenant_id, content_id) references file_content (tenant_id, content_id)
  );
  create index file_by_record on file (tenant_id, record, id);
  create index file_by_content on file (tenant_id, content_id);

  -- An upload that is not complete. Its bytes are the pieces whose content_id is its id.
  create table file_upload (
    tenant_id uuid not null,
    id uuid not null,
    record text collate "C" not null,
    record_table text not null,
    name text not null,
    content_type text,
    size_bytes int,
    sha256 text,
    received_bytes int not null,
    expire_time timestamptz(3) not null,
    created_by text not null,
    primary key (tenant_id, id)
  );
  create index file_upload_by_record on file_upload (tenant_id, record);

  -- Bytes of all pieces of a tenant.
  create table file_usage (
    tenant_id uuid not null primary key,
    bytes bigint not null
  );

  create function count_file_bytes_stored() returns trigger language plpgsql as $$
  begin
    insert into file_usage (tenant_id, bytes)
      select tenant_id, sum(octet_length(data)) from new_row group by tenant_id
      on conflict (tenant_id) do update set bytes = file_usage.bytes + excluded.bytes;
    return null;
  end $$;
  create function count_file_bytes_removed() returns trigger language plpgsql as $$
  begin
    update file_usage set bytes = file_usage.bytes - removed.bytes
      from (select tenant_id, sum(octet_length(data)) as bytes from old_row group by tenant_id) removed
      where file_usage.tenant_id = removed.tenant_id;
    return null;
  end $$;
  create trigger count_stored after insert on file_piece
    referencing new table as new_row for each statement execute function count_file_bytes_stored();
  create trigger count_removed after delete on file_piece
    referencing old table as old_row for each statement execute function count_file_bytes_removed();

  -- The key of a sealed file goes with the file, or with the upload that has not become one. The process destroys it after the commit.
  create function destroy_file_keys_later() returns trigger language plpgsql as $$
  begin
    insert into key_destruction (tenant_id, customer_id, last_generation)
      select tenant_id, id, 2147483647 from old_row
        where starts_with(name, chr(1)) and not exists (
          select from file where file.tenant_id = old_row.tenant_id and file.id = old_row.id)
      on conflict do nothing;
    return null;
  end $$;
  create trigger destroy_keys after delete on file
    referencing old table as old_row for each statement execute function destroy_file_keys_later();
  create trigger destroy_keys after delete on file_upload
    referencing old table as old_row for each statement execute function destroy_file_keys_later();

  -- Where the encryption of a tenant keeps the bytes of the file that it is sealing.
  alter table tenant_encryption add column copy_id uuid;

  -- Whether the transaction sees a record of any type, live or deleted, as sees_customer does for a customer.
  create function sees_record(of_table text, of_record text) returns boolean language plpgsql stable cost 1 as $$
  begin
    return sees_record(of_table, split_part(of_record, '/', 2)::uuid);
  end $$;
`;
