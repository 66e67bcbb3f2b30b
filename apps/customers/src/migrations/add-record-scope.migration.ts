import { Migration } from '@mikro-orm/migrations';
import { releasedChangeLogRights } from './change-log-rights.js';
import { loggedTables, triggersOf } from './change-log-triggers.js';

/** The rows that are seen by callers with a narrow scope: all of them without one. */
const seenIf = (condition: string) =>
  `(select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null or ${condition}`;

const owners = "nullif(current_setting('app.owner_ids', true), '')::uuid[]";
const ofOwners = seenIf(`owner_id = any (${owners}) or owner_team_id = any (${owners})`);
const ofNobody = seenIf('false');

const conditions = {
  customer: ofOwners,
  customer_association: seenIf('(sees_customer(from_customer_id) and sees_customer(to_customer_id))'),
  customer_merge: seenIf('(sees_customer(customer_id) and sees_customer(merged_id))'),
  consent: seenIf('sees_customer(customer_id)'),
  suppression: seenIf('sees_customer(customer_id)'),
  erasure: ofOwners,
  operation: ofNobody,
  operation_issue: ofNobody,
  import_piece: ofNobody,
  import_met: ofNobody,
  import_change: ofNobody,
  import_draft: ofNobody,
  import_draft_key: ofNobody,
};

/** Adds the owners of customers, and the policies by which a caller with a narrow scope sees only theirs. */
export class AddRecordScope extends Migration {
  override name = 'add-record-scope';

  override up(): void {
    this.addSql(`
      alter table customer add column owner_team_id uuid;
      alter table erasure add column owner_id uuid, add column owner_team_id uuid;
      -- With what the policy looks at, so that customers are counted from an index without their rows.
      drop index customer_live_by_create_time;
      create index customer_live_by_create_time on customer (tenant_id, create_time, id)
        include (owner_id, owner_team_id) where delete_time is null;

      -- Whether the transaction sees the customer. Not inlined and said to be cheap, so that no plan is another one for the
      -- policies that ask it, which they do only for who may see some records only.
      create function sees_customer(of_customer uuid) returns boolean language plpgsql stable cost 1 as $$
      begin
        return exists (select from customer
          where tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid and id = of_customer);
      end $$;
    `);
    for (const [table, condition] of Object.entries(conditions)) {
      this.addSql(
        `create policy record_scope on ${table} as restrictive using (${condition}) with check (${condition});`,
      );
    }
    this.#logOwnerTeams();
  }

  /** The triggers spell out the columns of which they tell. */
  #logOwnerTeams(): void {
    const customer = loggedTables.find(({ table }) => table === 'customer');
    if (!customer) throw new Error('The changes of customers are logged.');
    for (const event of ['insert', 'update', 'delete']) {
      this.addSql(`
        drop trigger log_${event} on customer;
        drop function log_customer_${event}();
      `);
    }
    this.addSql('drop trigger log_truncate on customer; drop trigger log_rename on customer;');
    this.addSql(triggersOf({ ...customer, content: [...customer.content, 'owner_team_id'] }));
    this.addSql(releasedChangeLogRights);
  }
}
