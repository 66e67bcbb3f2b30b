import { Migration } from '@mikro-orm/migrations';
import { releasedChangeLogRights } from './change-log-rights.js';
import { triggersOf, type LoggedTable } from './change-log-triggers.js';

/** What customers have agreed to, and the addresses that must not be used. */
export class CreateConsentAndSuppression extends Migration {
  override name = 'create-consent-and-suppression';

  override up(): void {
    this.addSql(`
      create table consent (
        tenant_id uuid not null,
        id uuid not null,
        customer_id uuid not null,
        purpose text not null,
        channel text not null check (channel in ('EMAIL', 'PHONE', 'SMS', 'POST')),
        state text not null check (state in ('GIVEN', 'WITHDRAWN')),
        legal_basis text not null check (legal_basis in ('CONSENT', 'CONTRACT', 'LEGAL_OBLIGATION', 'VITAL_INTERESTS',
          'PUBLIC_TASK', 'LEGITIMATE_INTERESTS')),
        source text not null,
        time timestamptz(3) not null,
        evidence text,
        create_time timestamptz(3) not null,
        created_by text not null,
        primary key (tenant_id, id),
        constraint consent_customer foreign key (tenant_id, customer_id) references customer (tenant_id, id)
      );
      create index consent_by_customer on consent (tenant_id, customer_id, time, id);

      -- A history that can be changed proves nothing.
      create function refuse_consent_update() returns trigger language plpgsql as $$
      begin
        raise exception 'Consents are never changed.' using errcode = 'restrict_violation';
      end $$;
      create trigger refuse_update before update on consent for each statement execute function refuse_consent_update();

      create table suppression (
        tenant_id uuid not null,
        id uuid not null,
        channel text not null check (channel in ('EMAIL', 'PHONE', 'SMS')),
        address_hash bytea not null,
        purpose text,
        reason text not null check (reason in ('MANUAL', 'COMPLAINT', 'BOUNCE', 'CONSENT_WITHDRAWN', 'ERASURE')),
        customer_id uuid,
        create_time timestamptz(3) not null,
        created_by text not null,
        primary key (tenant_id, id)
      );
      create unique index suppression_of_address on suppression
        (tenant_id, channel, address_hash, reason, purpose, customer_id) nulls not distinct;
      create index suppression_by_customer on suppression (tenant_id, customer_id) where customer_id is not null;
    `);
    for (const { table } of loggedTables) {
      this.addSql(`
        alter table ${table} enable row level security;
        alter table ${table} force row level security;
        create policy tenant_isolation on ${table}
          using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
          with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
      `);
    }
    for (const table of loggedTables) this.addSql(triggersOf(table));
    this.addSql(releasedChangeLogRights);
  }
}

const loggedTables: readonly LoggedTable[] = [
  {
    table: 'consent',
    type: 'consent',
    key: 'id',
    // It is made, and never changed.
    version: '1',
    content: ['customer_id', 'purpose', 'channel', 'state', 'legal_basis', 'source', 'time', 'evidence'],
    bookkeeping: ['create_time', 'created_by'],
  },
  {
    table: 'suppression',
    type: 'suppression',
    key: 'id',
    // It is made, and when its customer is erased it forgets whose it was.
    version: '1',
    content: ['channel', 'purpose', 'reason', 'customer_id'],
    bookkeeping: ['create_time', 'created_by'],
  },
];
