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
    for (const table of ['file', 'file_upload', 'file_piece']) {
      this.addSql(`create policy sealed_only on ${table} as restrictive using (true)
        with check ((false) or not exists (select from tenant_encryption));`);
    }
    this.addSql(
      triggersOf({
        table: 'file',
        type: 'file',
        key: 'id',
        version: '$.version',
        content: ['record', 'name', 'content_type', 'size_bytes', 'sha256'],
        bookkeeping: ['version', 'create_time', 'created_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}

const seen = `(select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null or sees_record(record_table, record)`;

const tables = `
  -- What the files of a tenant have in common that have the same bytes: these are stored once, in the pieces of content_id.
  create table file_content (
    tenant_id uuid not null,
    sha256 text not null,
    content_id uuid not null,
    size_bytes int not null,
    primary key (tenant_id, sha256)
  );
  create unique index file_content_by_content on file_content (tenant_id, content_id);

  create table file_piece (
    tenant_id uuid not null,
    content_id uuid not null,
    start int not null,
    data bytea not null,
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
    version int not null,
    create_time timestamptz(3) not null,
    created_by text not null,
    primary key (tenant_id, id),
    constraint file_content foreign key (tenant_id, sha256) references file_content (tenant_id, sha256)
  );
  create index file_by_record on file (tenant_id, record, id);
  create index file_by_sha256 on file (tenant_id, sha256);

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

  -- Whether the transaction sees a record of any type, live or deleted, as sees_customer does for a customer.
  create function sees_record(of_table text, of_record text) returns boolean language plpgsql stable cost 1 as $$
  begin
    return sees_record(of_table, split_part(of_record, '/', 2)::uuid);
  end $$;
`;
