import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The surveys: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateSurvey extends Migration {
  override name = 'create-survey';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'survey',
        type: 'survey',
        key: 'id',
        version: '$.version',
        content: [
          'name',
          'kind',
          'question',
          'state',
          'delay_seconds',
          'per_customer_seconds',
          'queue_ids',
          'template_id',
          'external_ids',
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
  create table survey (
    tenant_id uuid not null,
    id uuid not null,
    name text not null,
    sort_name text collate "C" not null,
    kind text check (kind in ('CSAT', 'CES', 'NPS')),
    question text not null,
    state text check (state in ('ACTIVE', 'PAUSED')),
    delay_seconds int not null,
    per_customer_seconds int not null,
    queue_ids text[] not null,
    template_id uuid,
    external_ids jsonb not null,
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
    primary key (tenant_id, id),
    constraint survey_template foreign key (tenant_id, template_id) references template (tenant_id, id)
  );

  alter table survey
    alter column name set statistics 0,
    alter column question set statistics 0,
    alter column queue_ids set statistics 0,
    alter column external_ids set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column tags set statistics 0,
    alter column terms set statistics 0;

  create index survey_live_by_name on survey (tenant_id, sort_name, id) where delete_time is null;

  create index survey_deleted_by_name on survey (tenant_id, sort_name, id) where delete_time is not null;

  create index survey_live_by_create_time on survey (tenant_id, create_time, id) where delete_time is null;

  create index survey_deleted_by_create_time on survey (tenant_id, create_time, id) where delete_time is not null;

  create index survey_live_by_update_time on survey (tenant_id, update_time, id) where delete_time is null;

  create index survey_deleted_by_update_time on survey (tenant_id, update_time, id) where delete_time is not null;

  create index survey_deleted_by_delete_time on survey (tenant_id, delete_time, id) where delete_time is not null;

  create index survey_by_template on survey (tenant_id, template_id) where template_id is not null;

  create index survey_terms on survey using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index survey_search on survey using gin (tenant_id, search_text gin_trgm_ops)
    with (gin_pending_list_limit = 256) where delete_time is null;

  create index survey_by_index_version on survey (index_version);

  alter table survey enable row level security;
  alter table survey force row level security;
  create policy tenant_isolation on survey
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create table survey_key (
    tenant_id uuid not null,
    type text not null check (type in ('EXTERNAL_ID')),
    value text collate "C" not null,
    survey_id uuid not null,
    primary key (tenant_id, type, value),
    constraint survey_key_survey foreign key (tenant_id, survey_id) references survey (tenant_id, id)
      deferrable initially immediate
  );

  create index survey_key_by_survey on survey_key (tenant_id, survey_id);

  alter table survey_key enable row level security;
  alter table survey_key force row level security;
  create policy tenant_isolation on survey_key
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create trigger end_associations after delete on survey
    referencing old table as old_row for each statement execute function end_associations();
`;
