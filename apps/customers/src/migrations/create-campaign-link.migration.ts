import { Migration } from '@mikro-orm/migrations';

/** The links of campaigns, and visits that are not judged yet. Neither has an address or a program of a reader. */
export class CreateCampaignLink extends Migration {
  override name = 'create-campaign-link';

  override up(): void {
    this.addSql(tables);
    for (const table of ['campaign_link', 'campaign_visit']) this.addSql(isolation(table));
  }
}

const tables = `
  create table campaign_link (
    tenant_id uuid not null,
    campaign_id uuid not null,
    number int not null,
    url text not null,
    primary key (tenant_id, campaign_id, number)
  );

  -- One row for each link, and each kind of visitor, of a recipient. Number 0 of HTML is the trap, and that of IMAGE the image.
  create table campaign_visit (
    tenant_id uuid not null,
    recipient_id uuid not null,
    part text not null check (part in ('HTML', 'TEXT', 'IMAGE')),
    number int not null,
    is_program boolean not null,
    link_count int not null,
    first_time timestamptz(3) not null,
    last_time timestamptz(3) not null,
    primary key (tenant_id, recipient_id, part, number, is_program)
  );
`;

const isolation = (table: string) => `
  alter table ${table} enable row level security;
  alter table ${table} force row level security;
  create policy tenant_isolation on ${table}
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
`;
