import { Migration } from '@mikro-orm/migrations';

/** What the timers of tickets are computed from. Retained as long as the tickets, unlike the change log. */
export class CreateSlaHistory extends Migration {
  override name = 'create-sla-history';

  override up(): void {
    this.addSql(tables);
    for (const table of ['sla_definition', 'sla_event', 'sla_ticket']) this.addSql(isolation(table));
  }
}

const tables = `
  create table sla_definition (
    tenant_id uuid not null,
    key text not null,
    content jsonb not null,
    primary key (tenant_id, key)
  );

  create table sla_event (
    tenant_id uuid not null,
    ticket_id uuid not null,
    position int not null,
    cause text not null,
    time timestamptz(3) not null,
    changes jsonb not null,
    primary key (tenant_id, ticket_id, position),
    foreign key (tenant_id, ticket_id) references ticket (tenant_id, id) on delete cascade
  );

  create table sla_ticket (
    tenant_id uuid not null,
    ticket_id uuid not null,
    state jsonb not null,
    timers jsonb not null,
    events int not null,
    is_live boolean not null,
    primary key (tenant_id, ticket_id),
    foreign key (tenant_id, ticket_id) references ticket (tenant_id, id) on delete cascade
  );

  create index sla_ticket_live on sla_ticket (tenant_id, ticket_id) where is_live;
`;

const isolation = (table: string) => `
  alter table ${table} enable row level security;
  alter table ${table} force row level security;
  create policy tenant_isolation on ${table}
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
`;
