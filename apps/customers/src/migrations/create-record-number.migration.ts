import { Migration } from '@mikro-orm/migrations';

/** The counters of the types whose records have numbers. */
export class CreateRecordNumber extends Migration {
  override name = 'create-record-number';

  override up(): void {
    this.addSql(table);
  }
}

const table = `
  create table record_number (
    tenant_id uuid not null,
    record_type text not null,
    last_number int not null,
    primary key (tenant_id, record_type)
  );

  alter table record_number enable row level security;
  alter table record_number force row level security;
  create policy tenant_isolation on record_number
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
`;
