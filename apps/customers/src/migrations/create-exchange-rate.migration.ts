import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The exchangeRates: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreateExchangeRate extends Migration {
  override name = 'create-exchange-rate';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'exchange_rate',
        type: 'exchange_rate',
        key: 'id',
        version: '$.version',
        content: ['base_currency', 'quote_currency', 'date', 'rate', 'source', 'delete_time'],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}

const tables = `
  create table exchange_rate (
    tenant_id uuid not null,
    id uuid not null,
    base_currency text not null,
    quote_currency text not null,
    date text collate "C" not null,
    rate text not null,
    source text check (source in ('MANUAL', 'ECB', 'IMPORT')),
    version int not null,
    create_time timestamptz(3) not null,
    update_time timestamptz(3) not null,
    delete_time timestamptz(3),
    created_by text not null,
    updated_by text not null,
    terms text[] not null default '{}',
    index_version int not null default 0,
    primary key (tenant_id, id)
  );

  alter table exchange_rate
    alter column rate set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column terms set statistics 0;

  create index exchange_rate_live_by_date on exchange_rate (tenant_id, date, id) where delete_time is null;

  create index exchange_rate_live_by_create_time on exchange_rate (tenant_id, create_time, id)
    where delete_time is null;

  create index exchange_rate_deleted_by_create_time on exchange_rate (tenant_id, create_time, id)
    where delete_time is not null;

  create index exchange_rate_live_by_update_time on exchange_rate (tenant_id, update_time, id)
    where delete_time is null;

  create index exchange_rate_deleted_by_update_time on exchange_rate (tenant_id, update_time, id)
    where delete_time is not null;

  create index exchange_rate_deleted_by_delete_time on exchange_rate (tenant_id, delete_time, id)
    where delete_time is not null;

  create index exchange_rate_terms on exchange_rate using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index exchange_rate_by_index_version on exchange_rate (index_version);

  alter table exchange_rate enable row level security;
  alter table exchange_rate force row level security;
  create policy tenant_isolation on exchange_rate
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create trigger end_associations after delete on exchange_rate
    referencing old table as old_row for each statement execute function end_associations();
`;
