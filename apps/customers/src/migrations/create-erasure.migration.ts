import { Migration } from '@mikro-orm/migrations';

/** Receipts of erasures, and how the change log forgets. */
export class CreateErasure extends Migration {
  override name = 'create-erasure';

  override up(): void {
    this.addSql(`
      create table erasure (
        tenant_id uuid not null,
        id uuid not null,
        customer_ids text[] not null,
        reason text not null,
        erased jsonb not null,
        create_time timestamptz(3) not null,
        created_by text not null,
        digest text not null,
        primary key (tenant_id, id)
      );
      -- Whether a customer that is not there was erased.
      create index erasure_of_customer on erasure using gin (tenant_id, customer_ids);
      alter table erasure enable row level security;
      alter table erasure force row level security;
      create policy tenant_isolation on erasure
        using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

      -- What the log keeps of the values of an erased record: that it was there, and what it was about. The mark says that
      -- the rest is not known, rather than that it was empty.
      create function values_after_erasure(recorded json) returns json language sql immutable as $$
        select json_object_agg(key, value) from (
          select key, value from json_each(recorded)
          where key in ('id', 'kind', 'version', 'create_time', 'update_time', 'delete_time', 'created_by', 'updated_by',
            'merged_into_id', 'from_customer_id', 'to_customer_id', 'type', 'customer_id', 'merged_id', 'undo_time',
            'undone_by', 'purpose', 'channel', 'state', 'legal_basis', 'time')
          union all
          select 'erased', 'true'::json
        ) kept
        where recorded is not null
      $$;

      -- Takes the values of records of the caller's tenant out of the log, those of changes without a position included:
      -- with the lock, none is on its way from the outbox to the log. Returns of how many changes.
      create function erase_changes(of_records text[], since timestamptz, until timestamptz) returns int
        language plpgsql security definer set search_path = public, pg_temp as $$
      declare
        tenant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
        logged int;
        waiting int;
      begin
        perform lock_change_log();
        update change_log set before = values_after_erasure(before), after = values_after_erasure(after)
          where tenant_id = tenant and record_id = any (of_records) and time between since and until;
        get diagnostics logged = row_count;
        update outbox set before = values_after_erasure(before), after = values_after_erasure(after)
          where tenant_id = tenant and record_id = any (of_records) and time between since and until;
        get diagnostics waiting = row_count;
        return logged + waiting;
      end $$;
    `);
  }
}
