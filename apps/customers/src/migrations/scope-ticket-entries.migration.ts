import { Migration } from '@mikro-orm/migrations';

/**
 * Entries of tickets were read by callers limited to the records of some owners, whether or not they saw the ticket, and
 * so were assignments in the change feed.
 */
export class ScopeTicketEntries extends Migration {
  override name = 'scope-ticket-entries';

  override up(): void {
    this.addSql(`
      create policy record_scope on ticket_entry as restrictive
        using ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null
          or sees_ticket(ticket_id));

      create policy record_scope on assignment as restrictive
        using ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null)
        with check (true);
    `);
  }
}
