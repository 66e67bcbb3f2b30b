import { Migration } from '@mikro-orm/migrations';

/** Counts the messages of flows that follow each other: those to an address that has written in between. */
export class CountMessagesOfFlows extends Migration {
  override name = 'count-messages-of-flows';

  override up(): void {
    // Whether the address has written since the last automatic reply or counted message of a flow.
    this.addSql(`alter table auto_reply add column has_written boolean not null default false`);
  }
}
