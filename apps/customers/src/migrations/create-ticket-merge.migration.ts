import { Migration } from '@mikro-orm/migrations';

/** What the undo of a merge of tickets restores. A row ends with the undo. */
export class CreateTicketMerge extends Migration {
  override name = 'create-ticket-merge';

  override up(): void {
    this.addSql(table);
  }
}

const table = `
  create table ticket_merge (
    tenant_id uuid not null,
    merged_id uuid not null,
    survivor_id uuid not null,
    before jsonb not null,
    entries jsonb not null,
    added_tags text[] not null,
    added_follower_ids text[] not null,
    primary key (tenant_id, merged_id),
    constraint ticket_merge_merged foreign key (tenant_id, merged_id) references ticket (tenant_id, id)
      on delete cascade,
    constraint ticket_merge_survivor foreign key (tenant_id, survivor_id) references ticket (tenant_id, id)
      on delete cascade
  );

  create index ticket_merge_by_survivor on ticket_merge (tenant_id, survivor_id);

  alter table ticket_merge enable row level security;
  alter table ticket_merge force row level security;
  create policy tenant_isolation on ticket_merge
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
`;
