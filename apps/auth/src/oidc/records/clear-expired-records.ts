import { WorkerLoop, type Logger } from '@rapport/platform';
import type { OidcDatabase } from './oidc-database.js';

/** Interval at which expired records are deleted, in milliseconds. */
const intervalMs = 60_000;
/** Maximum records that one statement deletes, so that it holds its locks briefly. */
const batchSize = 500;
/** How long a record is kept after it expires, in seconds, to distinguish an expired token from an unknown one. */
const keptSeconds = 60;

/** Deletes expired records of the provider, in batches. */
export class ExpiredRecords {
  readonly #loop: WorkerLoop;

  constructor(
    private readonly database: OidcDatabase,
    logger: Logger,
  ) {
    this.#loop = new WorkerLoop({
      pass: () => this.clear(),
      intervalMs,
      startsIdle: true,
      onOutage: (error) => logger.warn({ err: error }, 'could not delete expired records'),
    });
  }

  start(): void {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** Deletes all expired records. Concurrent processes share the work, because each skips locked rows. */
  async clear(): Promise<void> {
    const sql = `delete from oidc_record where hash in (
      select hash from oidc_record where expire_time < now() - make_interval(secs => $1)
      order by expire_time limit $2 for update skip locked) returning kind`;
    let deleted: object[];
    do {
      deleted = await this.database.rows({ name: 'clear_oidc_records', sql, values: [keptSeconds, batchSize] });
    } while (deleted.length === batchSize);
  }
}
