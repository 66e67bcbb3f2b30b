import { Migration } from '@mikro-orm/migrations';

/** The leases of tickets that wait in queues. A table of its own, since a lease is no change of the ticket. */
export class CreateTicketLease extends Migration {
  override name = 'create-ticket-lease';

  override up(): void {
    this.addSql(table);
  }
}

const table = `
  create table ticket_lease (
    tenant_id uuid not null,
    ticket_id uuid not null,
    queue_id uuid not null,
    user_id uuid not null,
    expire_time timestamptz(3) not null,
    primary key (tenant_id, ticket_id),
    constraint ticket_lease_ticket foreign key (tenant_id, ticket_id) references ticket (tenant_id, id)
      on delete cascade
  );

  create index ticket_lease_by_queue on ticket_lease (tenant_id, queue_id, user_id);

  alter table ticket_lease enable row level security;
  alter table ticket_lease force row level security;
  create policy tenant_isolation on ticket_lease
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  create index ticket_waiting on ticket (tenant_id, queue_id, create_time, id)
    where delete_time is null and owner_id is null and category in ('NEW', 'OPEN') and merged_into_id is null;
`;
