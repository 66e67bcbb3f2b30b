import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The forecastSubmissions: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateForecastSubmission extends Migration {
  override name = 'create-forecast-submission';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'forecast_submission',
        type: 'forecast_submission',
        key: 'id',
        version: '$.version',
        content: [
          'note',
          'period',
          'category',
          'amount',
          'owner_id',
          'owner_team_id',
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
  create table forecast_submission (
    tenant_id uuid not null,
    id uuid not null,
    note text,
    sort_note text collate "C",
    period text not null,
    category text check (category in ('OMITTED', 'PIPELINE', 'BEST_CASE', 'COMMIT', 'CLOSED')),
    amount jsonb not null,
    amount_order text collate "C" not null,
    owner_id uuid,
    owner_team_id uuid,
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
    primary key (tenant_id, id)
  );

  alter table forecast_submission
    alter column note set statistics 0,
    alter column amount set statistics 0,
    alter column external_ids set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column tags set statistics 0,
    alter column terms set statistics 0;

  create index forecast_submission_live_by_note on forecast_submission (tenant_id, sort_note, id)
    where delete_time is null;

  create index forecast_submission_deleted_by_note on forecast_submission (tenant_id, sort_note, id)
    where delete_time is not null;

  create index forecast_submission_live_by_amount on forecast_submission (tenant_id, amount_order, id)
    where delete_time is null;

  create index forecast_submission_live_by_create_time on forecast_submission (tenant_id, create_time,
    id) include (owner_id, owner_team_id) where delete_time is null;

  create index forecast_submission_deleted_by_create_time on forecast_submission (tenant_id, create_time, id)
    where delete_time is not null;

  create index forecast_submission_live_by_update_time on forecast_submission (tenant_id, update_time, id)
    where delete_time is null;

  create index forecast_submission_deleted_by_update_time on forecast_submission (tenant_id, update_time, id)
    where delete_time is not null;

  create index forecast_submission_deleted_by_delete_time on forecast_submission (tenant_id, delete_time, id)
    where delete_time is not null;

  create index forecast_submission_terms on forecast_submission using gin (tenant_id, terms)
    with (gin_pending_list_limit = 256) where delete_time is null;

  create index forecast_submission_search on forecast_submission using gin (tenant_id, search_text gin_trgm_ops)
    with (gin_pending_list_limit = 256) where delete_time is null;

  create index forecast_submission_by_index_version on forecast_submission (index_version);

  alter table forecast_submission enable row level security;
  alter table forecast_submission force row level security;
  create policy tenant_isolation on forecast_submission
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create policy record_scope on forecast_submission as restrictive
    using ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null
      or owner_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[])
      or owner_team_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[]))
    with check ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null
      or owner_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[])
      or owner_team_id = any (nullif(current_setting('app.owner_ids', true), '')::uuid[]));

  create table forecast_submission_key (
    tenant_id uuid not null,
    type text not null check (type in ('EXTERNAL_ID')),
    value text collate "C" not null,
    forecast_submission_id uuid not null,
    primary key (tenant_id, type, value),
    constraint forecast_submission_key_forecast_submission foreign key (tenant_id, forecast_submission_id)
      references forecast_submission (tenant_id, id)
      deferrable initially immediate
  );

  create index forecast_submission_key_by_forecast_submission on forecast_submission_key (tenant_id,
    forecast_submission_id);

  alter table forecast_submission_key enable row level security;
  alter table forecast_submission_key force row level security;
  create policy tenant_isolation on forecast_submission_key
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create trigger end_associations after delete on forecast_submission
    referencing old table as old_row for each statement execute function end_associations();
`;
