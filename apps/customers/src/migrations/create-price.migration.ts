import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/** The prices: their tables, the policies of these, and the triggers by which changes are logged. */
export class CreatePrice extends Migration {
  override name = 'create-price';

  override up(): void {
    this.addSql(tables);
    this.addSql(
      triggersOf({
        table: 'price',
        type: 'price',
        key: 'id',
        version: '$.version',
        content: ['price_book_id', 'product_id', 'unit_price', 'tiers', 'max_discount', 'delete_time'],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(changeLogRights);
  }
}

const tables = `
  create table price (
    tenant_id uuid not null,
    id uuid not null,
    price_book_id uuid,
    product_id uuid,
    unit_price text not null,
    tiers jsonb not null,
    max_discount text,
    version int not null,
    create_time timestamptz(3) not null,
    update_time timestamptz(3) not null,
    delete_time timestamptz(3),
    created_by text not null,
    updated_by text not null,
    index_version int not null default 0,
    primary key (tenant_id, id),
    constraint price_price_book foreign key (tenant_id, price_book_id) references price_book (tenant_id, id),
    constraint price_product foreign key (tenant_id, product_id) references product (tenant_id, id)
  );

  alter table price
    alter column unit_price set statistics 0,
    alter column tiers set statistics 0,
    alter column max_discount set statistics 0,
    alter column created_by set statistics 0,
    alter column updated_by set statistics 0;

  create index price_live_by_create_time on price (tenant_id, create_time, id) where delete_time is null;

  create index price_deleted_by_create_time on price (tenant_id, create_time, id) where delete_time is not null;

  create index price_live_by_update_time on price (tenant_id, update_time, id) where delete_time is null;

  create index price_deleted_by_update_time on price (tenant_id, update_time, id) where delete_time is not null;

  create index price_deleted_by_delete_time on price (tenant_id, delete_time, id) where delete_time is not null;

  create index price_by_price_book on price (tenant_id, price_book_id) where price_book_id is not null;

  create index price_by_product on price (tenant_id, product_id) where product_id is not null;

  create index price_by_index_version on price (index_version);

  alter table price enable row level security;
  alter table price force row level security;
  create policy tenant_isolation on price
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create trigger end_associations after delete on price
    referencing old table as old_row for each statement execute function end_associations();
`;
