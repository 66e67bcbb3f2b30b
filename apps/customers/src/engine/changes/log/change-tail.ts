import { Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DedicatedConnection } from '@rapport/persistence';
import { WakeSignal, WorkerLoop } from '@rapport/platform';
import { erasureOrigin } from '../erasure/erasure-origin.js';
import type { LogPosition } from './change-cursor.js';
import { changeColumns, charsOf, entryOf, type ChangeEntry, type ChangeRow } from './change-entry.js';

/** Longest interval between two reads of the log without a notification, in milliseconds. */
const pollMs = 1_000;
/** Pause after an error, which the connection has logged. The next look connects again. */
const retryMs = 200;

/** Changes per read: fewer when their values are read too, and at most this many bytes of values. */
const batchSize = { withValues: 500, bare: 5_000 };
const batchBytes = 4 * 1024 * 1024;
/** Capacity of the buffer for readers that lag slightly: changes, and characters of their values. */
const maxBuffered = 20_000;
const maxBufferedChars = 16 * 1024 * 1024;

/**
 * The end of the log in memory, read once for all readers of this process: the cost of a change does not grow with
 * their number. Readers that lag further read the log itself.
 */
export class ChangeTail implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #logger = new Logger('ChangeTail');
  readonly #connection: DedicatedConnection;
  readonly #loop = new WorkerLoop({ pass: () => this.#look(), intervalMs: pollMs, retryMs });
  readonly #grown = new WakeSignal();
  #entries: ChangeEntry[] = [];
  #chars = 0;
  #epoch: string | undefined;
  /** All changes after it, up to `#end`, are buffered; those after `#valuesStart` with their values. */
  #start = 0;
  #valuesStart = Number.POSITIVE_INFINITY;
  #end = 0;
  #valueReaders = 0;
  #lookedMs = 0;
  /** Whether the epoch was read from the current connection: after a reconnect, it may be another server. */
  #isChecked = false;

  /** @param databaseUrl with the app role */
  constructor(databaseUrl: string) {
    this.#connection = new DedicatedConnection(databaseUrl, 'rapport-change-tail', {
      onConnect: async (client) => {
        this.#isChecked = false;
        await client.query('select check_change_log_epoch()');
        await client.query('listen change_log');
      },
      onNotification: () => this.#loop.wake(),
    });
  }

  onApplicationBootstrap(): void {
    this.#loop.start();
  }

  /** Runs after the calls that read it have completed. */
  async onApplicationShutdown(): Promise<void> {
    const stopped = this.#loop.stop();
    this.#grown.wake();
    // A running query may take long, and its result is not needed.
    await this.#connection.close();
    await stopped;
  }

  /** The end of the log, or undefined while it is unknown. */
  get end(): LogPosition | undefined {
    return this.#epoch === undefined ? undefined : { epoch: this.#epoch, position: this.#end };
  }

  /** Whether the end was read within the last 3 seconds, so that changes after it were committed within that time. */
  get isFresh(): boolean {
    return Date.now() - this.#lookedMs < 3 * pollMs;
  }

  get isStopping(): boolean {
    return this.#loop.signal.aborted;
  }

  /** The buffered changes after a position; undefined when some are missing. */
  after({ epoch, position }: LogPosition, withValues: boolean): readonly ChangeEntry[] | undefined {
    const start = withValues ? Math.max(this.#start, this.#valuesStart) : this.#start;
    if (epoch !== this.#epoch || position < start) return undefined;
    return position >= this.#end ? [] : this.#entries.slice(this.#indexAfter(position));
  }

  /** Buffers values too, until the returned function is called. */
  keepValues(): () => void {
    this.#valueReaders += 1;
    if (this.#valueReaders === 1) this.#valuesStart = Number.POSITIVE_INFINITY;
    return () => {
      this.#valueReaders -= 1;
    };
  }

  /** Waits until the log exceeds a position, `timeoutMs` have passed, or `signal` aborts. */
  async waitBeyond(position: number, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    if (this.#end > position || this.isStopping) return;
    await this.#grown.sleep(timeoutMs, signal);
  }

  async #look(): Promise<void> {
    const lookedMs = Date.now();
    let hasMore = true;
    if (!this.#isChecked || lookedMs - this.#lookedMs >= pollMs / 2) hasMore = await this.#checkEnd();
    for (;;) {
      const withValues = this.#valueReaders > 0;
      const most = withValues ? batchSize.withValues : batchSize.bare;
      const rows = hasMore ? await this.#read(most, withValues) : [];
      this.#append(rows.map(entryOf), withValues);
      this.#lookedMs = lookedMs;
      if (rows.length < most && !rows.at(-1)?.is_cut) return;
    }
  }

  #read(most: number, withValues: boolean): Promise<ChangeRow[]> {
    const after = (...limits: number[]) => {
      if (!this.#isChecked) throw new Error('The connection was lost before the log was read.');
      return [this.#end, ...limits];
    };
    return withValues
      ? this.#connection.query(`select ${changeColumns}, is_cut from changes_within($1, $2, $3)`, () =>
          after(most, batchBytes),
        )
      : this.#connection.query(`select ${changeColumns} from changes_after($1, $2, false)`, () => after(most));
  }

  /** Compares the epoch. @returns whether the log has changes behind those that were read */
  async #checkEnd(): Promise<boolean> {
    const [log] = await this.#connection.query<{ epoch: string; end_position: string }>(
      'select epoch, change_log_end() as end_position from change_log_state',
    );
    this.#isChecked = true;
    if (!log) return true;
    if (log.epoch === this.#epoch) return Number(log.end_position) !== this.#end;
    if (this.#epoch !== undefined) {
      this.#logger.warn('The change log has begun a new epoch: cursors beyond what it has kept are expired.');
    }
    this.#epoch = log.epoch;
    this.#end = Number(log.end_position);
    this.#forgetAll();
    this.#valuesStart = Number.POSITIVE_INFINITY;
    this.#grown.wake();
    return true;
  }

  #append(entries: ChangeEntry[], withValues: boolean): void {
    if (!withValues) this.#valuesStart = Number.POSITIVE_INFINITY;
    else if (this.#valuesStart === Number.POSITIVE_INFINITY) this.#valuesStart = this.#end;
    const last = entries.at(-1);
    if (!last) return;
    if (entries.some(({ origin }) => origin === erasureOrigin)) this.#forgetAll();
    this.#entries.push(...entries);
    this.#end = last.position;
    for (const entry of entries) this.#chars += charsOf(entry);
    if (this.#entries.length > maxBuffered || this.#chars > maxBufferedChars) this.#forget();
    this.#grown.wake();
  }

  /** The buffered changes may contain erased values; a new read does not. */
  #forgetAll(): void {
    this.#entries = [];
    this.#chars = 0;
    this.#start = this.#end;
  }

  /** Shrinks to half of the capacity, so that it does not run for each change. */
  #forget(): void {
    let count = 0;
    while (this.#entries.length - count > maxBuffered / 2 || this.#chars > maxBufferedChars / 2) {
      const entry = this.#entries[count];
      if (!entry) break;
      this.#chars -= charsOf(entry);
      this.#start = entry.position;
      count += 1;
    }
    this.#entries.splice(0, count);
  }

  #indexAfter(position: number): number {
    let [low, high] = [0, this.#entries.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.position ?? 0) > position) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
