import { Migration } from '@mikro-orm/migrations';

/** Daily limits of relays that grow, and what they have sent of the day. */
export class RampUpRelays extends Migration {
  override name = 'ramp-up-relays';

  override up(): void {
    this.addSql(`
      alter table relay
        -- The rule as JSON.
        add column ramp_up jsonb,
        -- The last day with an e-mail, from the start of the ramp-up on, and the number of e-mails that count.
        add column ramp_day int,
        add column ramp_used int;
    `);
  }
}
