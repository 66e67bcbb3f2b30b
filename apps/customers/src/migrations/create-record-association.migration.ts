import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/**
 * Links between records of any types, beside customer_association, which keeps those between two customers: the previous release
 * reads and writes these only. The next release moves them here.
 */
export class CreateRecordAssociation extends Migration {
  override name = 'create-record-association';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'record_association',
        type: 'association',
        key: 'id',
        version: '$.version',
        content: ['from_type', 'from_id', 'type', 'to_type', 'to_id', 'role', 'labels'],
        bookkeeping: ['version', 'create_time', 'update_time'],
        always: ['from_type', 'from_id', 'to_type', 'to_id'],
      }),
    );
    for (const table of ['customer', 'pipeline', 'deal', 'stage_entry']) {
      this.addSql(`
        create trigger end_associations after delete on ${table}
          referencing old table as old_row for each statement execute function end_associations();
      `);
    }
    this.addSql(changeLogRights);
  }
}

const tables = `
  create table record_association (
    tenant_id uuid not null,
    id uuid not null,
    from_type text not null,
    from_id uuid not null,
    type text not null,
    to_type text not null,
    to_id uuid not null,
    role text,
    labels text[] not null,
    version int not null,
    create_time timestamptz(3) not null,
    update_time timestamptz(3) not null,
    primary key (tenant_id, id)
  );
  -- Settles the race of two that make the same link.
  create unique index record_association_link
    on record_association (tenant_id, from_id, type, to_id, from_type, to_type);
  -- The list of a record in both directions.
  create index record_association_from_by_id on record_association (tenant_id, from_id, id);
  create index record_association_to_by_id on record_association (tenant_id, to_id, id);

  alter table record_association enable row level security;
  alter table record_association force row level security;
  create policy tenant_isolation on record_association
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  -- Whether the transaction sees the record, live or deleted: the policies of its table decide.
  create function sees_record(of_type text, of_id uuid) returns boolean language plpgsql stable cost 1 as $$
  declare
    is_seen boolean;
  begin
    execute format('select exists (select from %I
        where tenant_id = nullif(current_setting(''app.tenant_id'', true), '''')::uuid and id = $1)', of_type)
      into is_seen using of_id;
    return is_seen;
  end $$;

  create policy record_scope on record_association as restrictive
    using ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null
      or (sees_record(from_type, from_id) and sees_record(to_type, to_id)))
    with check ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null
      or (sees_record(from_type, from_id) and sees_record(to_type, to_id)));

  -- What a foreign key would see to: a record that is removed for good takes its associations with it, all of them.
  create function end_associations() returns trigger language plpgsql as $$
  declare
    owners text := coalesce(current_setting('app.owner_ids', true), '');
  begin
    perform set_config('app.owner_ids', '', true);
    delete from record_association link using old_row o
      where link.tenant_id = o.tenant_id and link.from_id = o.id and link.from_type = tg_table_name;
    delete from record_association link using old_row o
      where link.tenant_id = o.tenant_id and link.to_id = o.id and link.to_type = tg_table_name;
    perform set_config('app.owner_ids', owners, true);
    return null;
  end $$;
`;
