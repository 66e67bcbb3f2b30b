import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The formSubmissions: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateFormSubmission extends Migration {
  override name = 'create-form-submission';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'form_submission',
        type: 'form_submission',
        key: 'id',
        version: '$.version',
        content: [
          'form_id',
          'form_name',
          'customer_id',
          'lead_id',
          'campaign_id',
          'values',
          'state',
          'reason',
          'topic_keys',
          'evidence',
          'locale',
          'confirm_time',
          'delete_time',
        ],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}

const tables = `
  create table form_submission (
    tenant_id uuid not null,
    id uuid not null,
    form_id uuid,
    form_name text not null,
    sort_form_name text collate "C" not null,
    customer_id uuid,
    lead_id uuid,
    campaign_id uuid,
    values jsonb not null,
    state text check (state in ('PENDING', 'CONFIRMED', 'EXPIRED', 'REJECTED')),
    reason text check (reason in ('HONEYPOT', 'ADDRESS_LIMIT', 'NO_CONFIRMATION')),
    topic_keys text[] not null,
    evidence text,
    locale text,
    confirm_time timestamptz(3),
    version int not null,
    create_time timestamptz(3) not null,
    update_time timestamptz(3) not null,
    delete_time timestamptz(3),
    created_by text not null,
    updated_by text not null,
    search_text text not null,
    terms text[] not null default '{}',
    index_version int not null default 0,
    sealed boolean not null default false,
    primary key (tenant_id, id),
    constraint form_submission_form foreign key (tenant_id, form_id) references form (tenant_id, id),
    constraint form_submission_customer foreign key (tenant_id, customer_id) references customer (tenant_id, id),
    constraint form_submission_lead foreign key (tenant_id, lead_id) references lead (tenant_id, id),
    constraint form_submission_campaign foreign key (tenant_id, campaign_id) references campaign (tenant_id, id)
  );

  alter table form_submission
    alter column form_name set statistics 0,
    alter column values set statistics 0,
    alter column topic_keys set statistics 0,
    alter column evidence set statistics 0,
    alter column locale set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column terms set statistics 0;

  create index form_submission_live_by_form_name on form_submission (tenant_id, sort_form_name, id)
    where delete_time is null;

  create index form_submission_deleted_by_form_name on form_submission (tenant_id, sort_form_name, id)
    where delete_time is not null;

  create index form_submission_live_by_confirm_time on form_submission (tenant_id, confirm_time, id)
    where delete_time is null;

  create index form_submission_live_by_create_time on form_submission (tenant_id, create_time, id)
    where delete_time is null;

  create index form_submission_deleted_by_create_time on form_submission (tenant_id, create_time, id)
    where delete_time is not null;

  create index form_submission_live_by_update_time on form_submission (tenant_id, update_time, id)
    where delete_time is null;

  create index form_submission_deleted_by_update_time on form_submission (tenant_id, update_time, id)
    where delete_time is not null;

  create index form_submission_deleted_by_delete_time on form_submission (tenant_id, delete_time, id)
    where delete_time is not null;

  create index form_submission_by_form on form_submission (tenant_id, form_id) where form_id is not null;

  create index form_submission_by_customer on form_submission (tenant_id, customer_id) where customer_id is not null;

  create index form_submission_by_lead on form_submission (tenant_id, lead_id) where lead_id is not null;

  create index form_submission_by_campaign on form_submission (tenant_id, campaign_id) where campaign_id is not null;

  create index form_submission_terms on form_submission using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index form_submission_search on form_submission using gin (tenant_id, search_text gin_trgm_ops)
    with (gin_pending_list_limit = 256) where delete_time is null;

  create index form_submission_by_index_version on form_submission (index_version);

  alter table form_submission enable row level security;
  alter table form_submission force row level security;
  create policy tenant_isolation on form_submission
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create policy sealed_only on form_submission as restrictive
    using (true)
    with check ((sealed) or not exists (select from tenant_encryption));

  create trigger end_associations after delete on form_submission
    referencing old table as old_row for each statement execute function end_associations();

  create policy record_scope on form_submission as restrictive
    using ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null
      or sees_customer(customer_id));
`;
