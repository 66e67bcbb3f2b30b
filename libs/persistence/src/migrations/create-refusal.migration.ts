import { Migration } from '@mikro-orm/migrations';

/** The function by which a statement refuses to go on, see `isRefusal`. A service that writes lists it among its migrations. */
export class CreateRefusal extends Migration {
  override name = 'create-refusal';

  override up(): void {
    this.addSql(`
      -- Ends the transaction, and with it whatever is under way behind the statement, unless the condition is met.
      create function refuse_unless(condition boolean, reason text) returns boolean language plpgsql as $$
      begin
        if condition then return true; end if;
        raise exception using errcode = 'RP001', message = reason;
      end $$;
    `);
  }
}
