import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The priceBooks: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreatePriceBook extends Migration {
  override name = 'create-price-book';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'price_book',
        type: 'price_book',
        key: 'id',
        version: '$.version',
        content: [
          'key',
          'name',
          'currency_code',
          'valid_from',
          'valid_to',
          'country_codes',
          'customer_tags',
          'precedence',
          'external_ids',
          'delete_time',
        ],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}

const tables = `
  create table price_book (
    tenant_id uuid not null,
    id uuid not null,
    key text not null,
    name text not null,
    sort_name text collate "C" not null,
    currency_code text not null,
    valid_from text collate "C",
    valid_to text collate "C",
    country_codes text[] not null,
    customer_tags text[] not null,
    precedence int,
    external_ids jsonb not null,
    version int not null,
    create_time timestamptz(3) not null,
    update_time timestamptz(3) not null,
    delete_time timestamptz(3),
    created_by text not null,
    updated_by text not null,
    search_text text not null,
    terms text[] not null default '{}',
    index_version int not null default 0,
    primary key (tenant_id, id)
  );

  alter table price_book
    alter column key set statistics 0,
    alter column name set statistics 0,
    alter column country_codes set statistics 0,
    alter column customer_tags set statistics 0,
    alter column external_ids set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0,
    alter column terms set statistics 0;

  create index price_book_live_by_name on price_book (tenant_id, sort_name, id) where delete_time is null;

  create index price_book_deleted_by_name on price_book (tenant_id, sort_name, id) where delete_time is not null;

  create index price_book_live_by_valid_from on price_book (tenant_id, valid_from, id) where delete_time is null;

  create index price_book_live_by_valid_to on price_book (tenant_id, valid_to, id) where delete_time is null;

  create index price_book_live_by_create_time on price_book (tenant_id, create_time, id) where delete_time is null;

  create index price_book_deleted_by_create_time on price_book (tenant_id, create_time, id)
    where delete_time is not null;

  create index price_book_live_by_update_time on price_book (tenant_id, update_time, id) where delete_time is null;

  create index price_book_deleted_by_update_time on price_book (tenant_id, update_time, id)
    where delete_time is not null;

  create index price_book_deleted_by_delete_time on price_book (tenant_id, delete_time, id)
    where delete_time is not null;

  create index price_book_terms on price_book using gin (tenant_id, terms) with (gin_pending_list_limit = 256)
    where delete_time is null;

  create index price_book_search on price_book using gin (tenant_id, search_text gin_trgm_ops)
    with (gin_pending_list_limit = 256) where delete_time is null;

  create index price_book_by_index_version on price_book (index_version);

  alter table price_book enable row level security;
  alter table price_book force row level security;
  create policy tenant_isolation on price_book
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create table price_book_key (
    tenant_id uuid not null,
    type text not null check (type in ('KEY', 'EXTERNAL_ID')),
    value text collate "C" not null,
    price_book_id uuid not null,
    primary key (tenant_id, type, value),
    constraint price_book_key_price_book foreign key (tenant_id, price_book_id) references price_book (tenant_id, id)
      deferrable initially immediate
  );

  create index price_book_key_by_price_book on price_book_key (tenant_id, price_book_id);

  alter table price_book_key enable row level security;
  alter table price_book_key force row level security;
  create policy tenant_isolation on price_book_key
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create trigger end_associations after delete on price_book
    referencing old table as old_row for each statement execute function end_associations();
`;
