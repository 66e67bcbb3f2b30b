import { DedicatedConnection } from '@rapport/persistence';

/** Any number of its own; one database has one. */
const leadLock = 7_246_178_310;

/**
 * Which process reads the feed: the one whose connection holds the lock. It is only there so that not all of them read it:
 * that nothing is taken twice is up to the cursor (`moveCursor`).
 */
export class FeedLead {
  readonly #connection: DedicatedConnection;

  /** @param databaseUrl as the app role */
  constructor(databaseUrl: string) {
    this.#connection = new DedicatedConnection(databaseUrl, 'rapport-feed-lead');
  }

  /** Whether it is this process. @throws what the database throws */
  async isOurs(): Promise<boolean> {
    // A session may take a lock of its own again, and one that is new has to get it.
    const [row] = await this.#connection.query<{ held: boolean }>(
      `select exists (
         select from pg_locks where locktype = 'advisory' and pid = pg_backend_pid() and granted
           and (classid::bigint << 32 | objid::bigint) = $1) or pg_try_advisory_lock($1) as held`,
      [leadLock],
    );
    return row?.held === true;
  }

  /** Lets go of it. */
  close(): Promise<void> {
    return this.#connection.close();
  }
}
