import { inject } from 'vitest';
import { askDatabase } from '../../ask-database.ts';

/** The clock of one database, ahead of that of the machine. Connections that are opened later read it, as `clock_timestamp()` and `now()`. */
export class SteppedClock {
  readonly #url: string;

  private constructor(ownerUrl: string) {
    const url = new URL(inject('superuserUrl'));
    url.pathname = new URL(ownerUrl).pathname;
    this.#url = url.href;
  }

  static async of({ ownerUrl }: { ownerUrl: string }): Promise<SteppedClock> {
    const clock = new SteppedClock(ownerUrl);
    const name = new URL(ownerUrl).pathname.slice(1);
    // A search path that names pg_catalog searches it where it says, not first.
    await askDatabase(
      clock.#url,
      `create schema stepped;
       create table stepped.clock as select interval '0' as ahead;
       create function stepped.clock_timestamp() returns timestamptz language sql volatile
         as 'select pg_catalog.clock_timestamp() + ahead from stepped.clock';
       create function stepped.now() returns timestamptz language sql stable
         as 'select pg_catalog.now() + ahead from stepped.clock';
       grant usage on schema stepped to public;
       grant select on stepped.clock to public;
       alter database "${name}" set search_path = public, stepped, pg_catalog`,
    );
    return clock;
  }

  async step(days: number): Promise<void> {
    await askDatabase(this.#url, 'update stepped.clock set ahead = ahead + make_interval(days => $1)', [days]);
  }
}
