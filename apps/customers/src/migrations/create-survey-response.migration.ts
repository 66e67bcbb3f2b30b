import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The surveyResponses: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateSurveyResponse extends Migration {
  override name = 'create-survey-response';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'survey_response',
        type: 'survey_response',
        key: 'id',
        version: '$.version',
        content: [
          'survey_id',
          'ticket_id',
          'customer_id',
          'agent_id',
          'kind',
          'question',
          'score',
          'comment',
          'answer_time',
          'delete_time',
        ],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}

const tables = `
  create table survey_response (
    tenant_id uuid not null,
    id uuid not null,
    survey_id uuid,
    ticket_id uuid,
    customer_id uuid,
    agent_id uuid,
    kind text check (kind in ('CSAT', 'CES', 'NPS')),
    question text not null,
    sort_question text collate "C" not null,
    score int,
    comment text,
    answer_time timestamptz(3),
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
    constraint survey_response_survey foreign key (tenant_id, survey_id) references survey (tenant_id, id),
    constraint survey_response_ticket foreign key (tenant_id, ticket_id) references ticket (tenant_id, id),
    constraint survey_response_customer foreign key (tenant_id, customer_id) references customer (tenant_id, id)
  );

  alter table survey_response
    alter column question set statistics 0,
    alter column comment set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column terms set statistics 0;

  create index survey_response_live_by_question on survey_response (tenant_id, sort_question, id)
    where delete_time is null;

  create index survey_response_deleted_by_question on survey_response (tenant_id, sort_question, id)
    where delete_time is not null;

  create index survey_response_live_by_score on survey_response (tenant_id, score, id) where delete_time is null;

  create index survey_response_live_by_answer_time on survey_response (tenant_id, answer_time, id)
    where delete_time is null;

  create index survey_response_live_by_create_time on survey_response (tenant_id, create_time, id)
    where delete_time is null;

  create index survey_response_deleted_by_create_time on survey_response (tenant_id, create_time, id)
    where delete_time is not null;

  create index survey_response_live_by_update_time on survey_response (tenant_id, update_time, id)
    where delete_time is null;

  create index survey_response_deleted_by_update_time on survey_response (tenant_id, update_time, id)
    where delete_time is not null;

  create index survey_response_deleted_by_delete_time on survey_response (tenant_id, delete_time, id)
    where delete_time is not null;

  create index survey_response_by_survey on survey_response (tenant_id, survey_id) where survey_id is not null;

  create index survey_response_by_ticket on survey_response (tenant_id, ticket_id) where ticket_id is not null;

  create index survey_response_by_customer on survey_response (tenant_id, customer_id) where customer_id is not null;

  create index survey_response_terms on survey_response using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index survey_response_search on survey_response using gin (tenant_id, search_text gin_trgm_ops)
    with (gin_pending_list_limit = 256) where delete_time is null;

  create index survey_response_by_index_version on survey_response (index_version);

  alter table survey_response enable row level security;
  alter table survey_response force row level security;
  create policy tenant_isolation on survey_response
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create policy sealed_only on survey_response as restrictive
    using (true)
    with check ((sealed) or not exists (select from tenant_encryption));

  create trigger end_associations after delete on survey_response
    referencing old table as old_row for each statement execute function end_associations();

  -- Whether the transaction sees the ticket, as sees_deal does for a deal.
  create function sees_ticket_of_response(of_ticket uuid) returns boolean language plpgsql stable cost 1 as $$
  begin
    return exists (select from ticket
      where tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid and id = of_ticket);
  end $$;

  create policy record_scope on survey_response as restrictive
    using ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null
      or sees_ticket_of_response(ticket_id));
`;
