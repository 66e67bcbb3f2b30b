import { Migration } from '@mikro-orm/migrations';
import { changeDigest } from './audit-changes.migration.js';

/** What the encryption of a tenant's personal data takes (ADR 0032), and an audit that verifies after values were erased. */
export class SealPersonalData extends Migration {
  override name = 'seal-personal-data';

  override up(): void {
    this.addSql(tables);
    this.addSql(createSealedOnly('customer', 'sealed'));
    this.addSql(createSealedOnly('consent', 'evidence is null or starts_with(evidence, chr(1))'));
    this.addSql(eraseChanges);
  }
}

const tables = `
  alter table customer add column sealed boolean not null default false;

  create table tenant_encryption (
    tenant_id uuid not null primary key,
    operation_id uuid not null,
    create_time timestamptz(3) not null,
    created_by text not null,
    done_id uuid not null default '00000000-0000-0000-0000-000000000000',
    complete_time timestamptz(3)
  );
  alter table tenant_encryption enable row level security;
  alter table tenant_encryption force row level security;
  create policy tenant_isolation on tenant_encryption
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

  -- Not bound to a tenant: whoever destroys keys works for all. Nothing is in it but ids.
  create table key_destruction (
    tenant_id uuid not null,
    customer_id uuid not null,
    last_generation int not null,
    primary key (tenant_id, customer_id)
  );

  alter table operation add column kind text not null default 'IMPORT' check (kind in ('IMPORT', 'ENCRYPTION'));

  -- Consents are never changed, but that their evidence is sealed.
  drop trigger refuse_update on consent;
  create trigger refuse_update before update on consent for each row
    when ((starts_with(new.evidence, chr(1)) and to_jsonb(old) - 'evidence' = to_jsonb(new) - 'evidence') is not true)
    execute function refuse_consent_update();
`;

/** The twin of \`sealedOnly\` in the entities. */
function createSealedOnly(table: string, isSealed: string): string {
  const check = `(${isSealed}) or not exists (select from tenant_encryption)`;
  return `create policy sealed_only on ${table} as restrictive using (true) with check (${check});`;
}

const eraseChanges = `
  -- The digest that a change had in its entry of the audit before its values were erased.
  alter table change_log add column erased_digest bytea;

  create or replace function erase_changes(of_records text[], since timestamptz, until timestamptz) returns int
    language plpgsql security definer set search_path = public, pg_temp set timezone = 'UTC' set datestyle = 'ISO' as $$
  declare
    tenant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
    logged int;
    waiting int;
  begin
    perform lock_change_log();
    update change_log set erased_digest = coalesce(erased_digest, ${changeDigest}),
        before = values_after_erasure(before), after = values_after_erasure(after)
      where tenant_id = tenant and record_id = any (of_records) and time between since and until;
    get diagnostics logged = row_count;
    update outbox set before = values_after_erasure(before), after = values_after_erasure(after)
      where tenant_id = tenant and record_id = any (of_records) and time between since and until;
    get diagnostics waiting = row_count;
    return logged + waiting;
  end $$;
`;
