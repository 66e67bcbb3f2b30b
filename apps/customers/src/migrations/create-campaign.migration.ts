import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The campaigns: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateCampaign extends Migration {
  override name = 'create-campaign';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'campaign',
        type: 'campaign',
        key: 'id',
        version: '$.version',
        content: [
          'name',
          'topic_key',
          'mailbox_id',
          'include_segment_ids',
          'exclude_segment_ids',
          'audience',
          'variants',
          'test',
          'schedule',
          'throttle_per_minute',
          'tracks_clicks',
          'tracks_opens',
          'goal',
          'state',
          'state_reason',
          'counts',
          'start_time',
          'done_time',
          'winner_key',
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
  create table campaign (
    tenant_id uuid not null,
    id uuid not null,
    name text not null,
    sort_name text collate "C" not null,
    topic_key text not null,
    mailbox_id uuid not null,
    include_segment_ids text[] not null,
    exclude_segment_ids text[] not null,
    audience text check (audience in ('FROZEN', 'LIVE_UNTIL_SEND')),
    variants jsonb not null,
    test jsonb,
    schedule jsonb,
    throttle_per_minute int,
    tracks_clicks boolean not null,
    tracks_opens boolean not null,
    goal text,
    state text check (state in ('DRAFT', 'SCHEDULED', 'PREPARING', 'SENDING', 'PAUSED', 'DONE', 'CANCELLED')),
    state_reason text,
    counts jsonb,
    start_time timestamptz(3),
    done_time timestamptz(3),
    winner_key text,
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

  alter table campaign
    alter column name set statistics 0,
    alter column include_segment_ids set statistics 0,
    alter column exclude_segment_ids set statistics 0,
    alter column variants set statistics 0,
    alter column test set statistics 0,
    alter column schedule set statistics 0,
    alter column goal set statistics 0,
    alter column state_reason set statistics 0,
    alter column counts set statistics 0,
    alter column winner_key set statistics 0,
    alter column external_ids set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column tags set statistics 0,
    alter column terms set statistics 0;

  create index campaign_live_by_name on campaign (tenant_id, sort_name, id) where delete_time is null;

  create index campaign_deleted_by_name on campaign (tenant_id, sort_name, id) where delete_time is not null;

  create index campaign_live_by_start_time on campaign (tenant_id, start_time, id) where delete_time is null;

  create index campaign_live_by_create_time on campaign (tenant_id, create_time, id) where delete_time is null;

  create index campaign_deleted_by_create_time on campaign (tenant_id, create_time, id) where delete_time is not null;

  create index campaign_live_by_update_time on campaign (tenant_id, update_time, id) where delete_time is null;

  create index campaign_deleted_by_update_time on campaign (tenant_id, update_time, id) where delete_time is not null;

  create index campaign_deleted_by_delete_time on campaign (tenant_id, delete_time, id) where delete_time is not null;

  create index campaign_terms on campaign using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index campaign_search on campaign using gin (tenant_id, search_text gin_trgm_ops)
    with (gin_pending_list_limit = 256) where delete_time is null;

  create index campaign_by_index_version on campaign (index_version);

  alter table campaign enable row level security;
  alter table campaign force row level security;
  create policy tenant_isolation on campaign
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create table campaign_key (
    tenant_id uuid not null,
    type text not null check (type in ('EXTERNAL_ID')),
    value text collate "C" not null,
    campaign_id uuid not null,
    primary key (tenant_id, type, value),
    constraint campaign_key_campaign foreign key (tenant_id, campaign_id) references campaign (tenant_id, id)
      deferrable initially immediate
  );

  create index campaign_key_by_campaign on campaign_key (tenant_id, campaign_id);

  alter table campaign_key enable row level security;
  alter table campaign_key force row level security;
  create policy tenant_isolation on campaign_key
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create trigger end_associations after delete on campaign
    referencing old table as old_row for each statement execute function end_associations();
`;
