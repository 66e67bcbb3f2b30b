import { Migration } from '@mikro-orm/migrations';
import { changeLogRights } from './change-log-rights.js';
import { triggersOf } from './change-log-triggers.js';

/**
 * Adds `merged_into_id` to the deals, and to what the change log has of them, and a table with what the undo of a merge restores. The
 * triggers list the columns of the table, so they are created again, in the transaction of the new column: the previous release can write
 * before and after. No row has a value, so the foreign key is valid without a scan of the table.
 */
export class MergeDeals extends Migration {
  override name = 'merge-deals';

  override up(): void {
    this.addSql(`
      alter table deal add column merged_into_id uuid;
      alter table deal add constraint deal_merged_into foreign key (tenant_id, merged_into_id)
        references deal (tenant_id, id) not valid;
      create index deal_by_merged_into on deal (tenant_id, merged_into_id) where merged_into_id is not null;
      drop function log_deal_insert, log_deal_update, log_deal_delete cascade;
      drop trigger log_truncate on deal;
      drop trigger log_rename on deal;
    `);
    this.addSql(
      triggersOf({
        table: 'deal',
        type: 'deal',
        key: 'id',
        version: '$.version',
        content: [
          ...['title', 'customer_id', 'pipeline_id', 'stage', 'status', 'amount', 'close_date', 'stage_time'],
          ...['close_time', 'lost_reason', 'rank', 'rot_time', 'probability', 'forecast_category'],
          ...['effective_probability', 'effective_forecast_category', 'weighted_amount', 'amount_mode', 'line_items'],
          ...['line_currency', 'line_totals', 'splits', 'base_amount', 'base_rates', 'merged_into_id', 'owner_id'],
          ...['owner_team_id', 'external_ids', 'custom_fields', 'delete_time', 'tags'],
        ],
        bookkeeping: ['version', 'create_time', 'update_time', 'created_by', 'updated_by'],
      }),
    );
    this.addSql(merges);
    this.addSql(changeLogRights);
  }
}

const merges = `
  create table deal_merge (
    tenant_id uuid not null,
    merged_id uuid not null,
    survivor_id uuid not null,
    place int not null,
    added jsonb not null,
    moved jsonb not null,
    links jsonb not null,
    primary key (tenant_id, merged_id),
    constraint deal_merge_merged foreign key (tenant_id, merged_id) references deal (tenant_id, id) on delete cascade,
    constraint deal_merge_survivor foreign key (tenant_id, survivor_id) references deal (tenant_id, id)
      on delete cascade
  );

  create unique index deal_merge_by_survivor on deal_merge (tenant_id, survivor_id, place);

  alter table deal_merge enable row level security;
  alter table deal_merge force row level security;
  create policy tenant_isolation on deal_merge
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
`;
