import { DedicatedConnection } from '@rapport/persistence';

/** Arbitrary number of the lock, unique in the database. */
const leadLock = 7_246_178_310;

/**
 * Leader election for the feed: the process whose connection holds the lock. It only saves work: the cursor prevents
 * duplicates (`moveCursor`).
 */
export class FeedLeader {
  readonly #connection: DedicatedConnection;

  /** @param databaseUrl as the app role */
  constructor(databaseUrl: string) {
    this.#connection = new DedicatedConnection(databaseUrl, 'rapport-feed-lead');
  }

  /** Whether this process is the leader. @throws errors of the database */
  async isOurs(): Promise<boolean> {
    // A session can take its own lock again, and a new session must take it.
    const [row] = await this.#connection.query<{ held: boolean }>(
      `select exists (
         select from pg_locks where locktype = 'advisory' and pid = pg_backend_pid() and granted
           and (classid::bigint << 32 | objid::bigint) = $1) or pg_try_advisory_lock($1) as held`,
      [leadLock],
    );
    return row?.held === true;
  }

  /** Releases the lock. */
  close(): Promise<void> {
    return this.#connection.close();
  }
}
