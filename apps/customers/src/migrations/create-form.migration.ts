import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The forms: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateForm extends Migration {
  override name = 'create-form';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'form',
        type: 'form',
        key: 'id',
        version: '$.version',
        content: [
          'key',
          'name',
          'state',
          'fields',
          'topic_keys',
          'is_double_opt_in',
          'texts',
          'redirect_url',
          'proof',
          'min_seconds',
          'daily_limit_per_address',
          'creates_lead',
          'campaign_id',
          'token',
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
  create table form (
    tenant_id uuid not null,
    id uuid not null,
    key text not null,
    name text not null,
    sort_name text collate "C" not null,
    state text check (state in ('DRAFT', 'ACTIVE', 'CLOSED')),
    fields jsonb not null,
    topic_keys text[] not null,
    is_double_opt_in boolean not null,
    texts jsonb not null,
    redirect_url text,
    proof text check (proof in ('POW', 'NONE')),
    min_seconds int not null,
    daily_limit_per_address int,
    creates_lead boolean not null,
    campaign_id uuid,
    token text not null,
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
    constraint form_campaign foreign key (tenant_id, campaign_id) references campaign (tenant_id, id)
  );

  alter table form
    alter column key set statistics 0,
    alter column name set statistics 0,
    alter column fields set statistics 0,
    alter column topic_keys set statistics 0,
    alter column texts set statistics 0,
    alter column redirect_url set statistics 0,
    alter column token set statistics 0,
    alter column external_ids set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column tags set statistics 0,
    alter column terms set statistics 0;

  create index form_live_by_name on form (tenant_id, sort_name, id) where delete_time is null;

  create index form_deleted_by_name on form (tenant_id, sort_name, id) where delete_time is not null;

  create index form_live_by_create_time on form (tenant_id, create_time, id) where delete_time is null;

  create index form_deleted_by_create_time on form (tenant_id, create_time, id) where delete_time is not null;

  create index form_live_by_update_time on form (tenant_id, update_time, id) where delete_time is null;

  create index form_deleted_by_update_time on form (tenant_id, update_time, id) where delete_time is not null;

  create index form_deleted_by_delete_time on form (tenant_id, delete_time, id) where delete_time is not null;

  create index form_by_campaign on form (tenant_id, campaign_id) where campaign_id is not null;

  create index form_terms on form using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index form_search on form using gin (tenant_id, search_text gin_trgm_ops) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index form_by_index_version on form (index_version);

  alter table form enable row level security;
  alter table form force row level security;
  create policy tenant_isolation on form
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create table form_key (
    tenant_id uuid not null,
    type text not null check (type in ('KEY', 'EXTERNAL_ID')),
    value text collate "C" not null,
    form_id uuid not null,
    primary key (tenant_id, type, value),
    constraint form_key_form foreign key (tenant_id, form_id) references form (tenant_id, id)
      deferrable initially immediate
  );

  create index form_key_by_form on form_key (tenant_id, form_id);

  alter table form_key enable row level security;
  alter table form_key force row level security;
  create policy tenant_isolation on form_key
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create trigger end_associations after delete on form
    referencing old table as old_row for each statement execute function end_associations();
`;
