import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The pipelines: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreatePipeline extends Migration {
  override name = 'create-pipeline';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'pipeline',
        type: 'pipeline',
        key: 'id',
        version: '$.version',
        content: ['name', 'stages', 'transitions', 'transition_pairs', 'external_ids', 'delete_time'],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}

const tables = `
  create table pipeline (
    tenant_id uuid not null,
    id uuid not null,
    name text not null,
    sort_name text collate "C" not null,
    stages jsonb not null,
    transitions text check (transitions in ('ANY', 'NEXT_ONLY', 'LISTED')),
    transition_pairs jsonb not null,
    external_ids jsonb not null,
    version int not null,
    create_time timestamptz(3) not null,
    update_time timestamptz(3) not null,
    delete_time timestamptz(3),
    created_by text not null,
    updated_by text not null,
    search_text text not null,
    index_version int not null default 0,
    primary key (tenant_id, id)
  );

  alter table pipeline
    alter column name set statistics 0,
    alter column stages set statistics 0,
    alter column transition_pairs set statistics 0,
    alter column external_ids set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0;

  create index pipeline_live_by_name on pipeline (tenant_id, sort_name, id) where delete_time is null;

  create index pipeline_deleted_by_name on pipeline (tenant_id, sort_name, id) where delete_time is not null;

  create index pipeline_live_by_create_time on pipeline (tenant_id, create_time, id) where delete_time is null;

  create index pipeline_deleted_by_create_time on pipeline (tenant_id, create_time, id) where delete_time is not null;

  create index pipeline_live_by_update_time on pipeline (tenant_id, update_time, id) where delete_time is null;

  create index pipeline_deleted_by_update_time on pipeline (tenant_id, update_time, id) where delete_time is not null;

  create index pipeline_search on pipeline using gin (tenant_id, search_text gin_trgm_ops)
    with (gin_pending_list_limit = 256) where delete_time is null;

  create index pipeline_by_index_version on pipeline (index_version);

  alter table pipeline enable row level security;
  alter table pipeline force row level security;
  create policy tenant_isolation on pipeline
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create table pipeline_key (
    tenant_id uuid not null,
    type text not null check (type in ('EXTERNAL_ID')),
    value text collate "C" not null,
    pipeline_id uuid not null,
    primary key (tenant_id, type, value),
    constraint pipeline_key_pipeline foreign key (tenant_id, pipeline_id) references pipeline (tenant_id, id)
      deferrable initially immediate
  );

  create index pipeline_key_by_pipeline on pipeline_key (tenant_id, pipeline_id);

  alter table pipeline_key enable row level security;
  alter table pipeline_key force row level security;
  create policy tenant_isolation on pipeline_key
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
`;
