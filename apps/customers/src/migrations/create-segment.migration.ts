import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The segments: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateSegment extends Migration {
  override name = 'create-segment';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'segment',
        type: 'segment',
        key: 'id',
        version: '$.version',
        content: [
          'key',
          'name',
          'description',
          'kind',
          'filter',
          'exclude_segment_ids',
          'size',
          'position',
          'state',
          'state_reason',
          'delete_time',
          'tags',
        ],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}

const tables = `
  create table segment (
    tenant_id uuid not null,
    id uuid not null,
    key text not null,
    name text not null,
    sort_name text collate "C" not null,
    description text,
    kind text check (kind in ('DYNAMIC', 'STATIC', 'SNAPSHOT')),
    filter text,
    exclude_segment_ids text[] not null,
    size int not null,
    position text,
    state text check (state in ('BUILDING', 'LIVE', 'PAUSED', 'FAILED')),
    state_reason text,
    version int not null,
    create_time timestamptz(3) not null,
    update_time timestamptz(3) not null,
    delete_time timestamptz(3),
    created_by text not null,
    updated_by text not null,
    tags text[] not null,
    search_text text not null,
    terms text[] not null default '{}',
    index_version int not null default 0,
    primary key (tenant_id, id)
  );

  alter table segment
    alter column key set statistics 0,
    alter column name set statistics 0,
    alter column description set statistics 0,
    alter column filter set statistics 0,
    alter column exclude_segment_ids set statistics 0,
    alter column position set statistics 0,
    alter column state_reason set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column tags set statistics 0,
    alter column terms set statistics 0;

  create index segment_live_by_name on segment (tenant_id, sort_name, id) where delete_time is null;

  create index segment_deleted_by_name on segment (tenant_id, sort_name, id) where delete_time is not null;

  create index segment_live_by_size on segment (tenant_id, size, id) where delete_time is null;

  create index segment_live_by_create_time on segment (tenant_id, create_time, id) where delete_time is null;

  create index segment_deleted_by_create_time on segment (tenant_id, create_time, id) where delete_time is not null;

  create index segment_live_by_update_time on segment (tenant_id, update_time, id) where delete_time is null;

  create index segment_deleted_by_update_time on segment (tenant_id, update_time, id) where delete_time is not null;

  create index segment_deleted_by_delete_time on segment (tenant_id, delete_time, id) where delete_time is not null;

  create index segment_terms on segment using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index segment_search on segment using gin (tenant_id, search_text gin_trgm_ops)
    with (gin_pending_list_limit = 256) where delete_time is null;

  create index segment_by_index_version on segment (index_version);

  alter table segment enable row level security;
  alter table segment force row level security;
  create policy tenant_isolation on segment
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create table segment_key (
    tenant_id uuid not null,
    type text not null check (type in ('KEY')),
    value text collate "C" not null,
    segment_id uuid not null,
    primary key (tenant_id, type, value),
    constraint segment_key_segment foreign key (tenant_id, segment_id) references segment (tenant_id, id)
      deferrable initially immediate
  );

  create index segment_key_by_segment on segment_key (tenant_id, segment_id);

  alter table segment_key enable row level security;
  alter table segment_key force row level security;
  create policy tenant_isolation on segment_key
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create trigger end_associations after delete on segment
    referencing old table as old_row for each statement execute function end_associations();
`;
