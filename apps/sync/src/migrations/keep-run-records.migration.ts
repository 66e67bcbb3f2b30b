import { Migration } from '@mikro-orm/migrations';

/** Records that a run has read, which may exceed memory. */
export class KeepRunRecords extends Migration {
  override name = 'keep-run-records';

  override up(): void {
    this.addSql(`
      create table sync_run_record (
        tenant_id uuid not null,
        run_id uuid not null,
        record_id text not null,
        -- A keyed hash of what the record holds, where that is compared. No value is kept.
        held text,
        primary key (tenant_id, run_id, record_id),
        constraint sync_run_record_run foreign key (tenant_id, run_id)
          references sync_run (tenant_id, id) on delete cascade
      );
      alter table sync_run_record enable row level security;
      alter table sync_run_record force row level security;
      create policy tenant_isolation on sync_run_record
        using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    `);
  }
}
