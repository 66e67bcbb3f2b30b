import { WorkerLoop, type Logger } from '@rapport/platform';
import type { OidcDatabase } from './oidc-database.js';

/** How often expired records are looked for, in milliseconds. */
const intervalMs = 60_000;
/** Most records that one statement deletes: none holds locks for long. */
const batchSize = 500;
/** How long a record stays after it has expired, in seconds: a token that is shown late is told from one that never was. */
const keptSeconds = 60;

/** Deletes expired records for as long as the process lives, a few at a time. */
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
      onOutage: (error) => logger.warn({ err: error }, 'expired records were not cleared away'),
    });
  }

  start(): void {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** Deletes all that have expired. Processes that do so at the same time share the work. */
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
