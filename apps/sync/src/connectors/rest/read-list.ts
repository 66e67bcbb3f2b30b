import { configurationError, ConnectorError } from '../connector-error.js';
import { contentVersion } from '../values/content-version.js';
import type { Page } from '../connector.js';
import type { RecordKey } from '../peer-record.js';
import { readCursor, writeCursor } from '../values/cursor.js';
import { parameter, timeMs, type Collection, type ListPage } from './collection.js';
import { idText, readRecord, type RecordItem } from './read-record.js';
import { ExactNumber, valueAt, type ExactValue } from './exact-json.js';

const allForm = 'rest-all-1';
const changesForm = 'rest-changes-1';

/** Number of records with the same time that a cursor can identify. Further ones may repeat. */
const maxSeen = 500;
/** Maximum number of restarts after changes of the list. Then a later read continues. */
const maxRestarts = 10;

/** Number of records that were read, and a hash of their ids and versions in order. */
type AllCursor = { count: number; digest: string };

/** The latest time that was read, in the service's format, and hashes of the records with that time. Empty at first. */
type ChangesCursor = { time: string; seen: string[] };

/**
 * All records of a list without change times. A cursor is continued only if everything before it is unchanged. So
 * records that moved to another page during a read are found by the next read.
 */
export async function* readAll(
  collection: Collection,
  cursor: string | undefined,
  pageSize: number,
): AsyncGenerator<Page> {
  const from = cursor === undefined ? { count: 0, digest: '' } : parseAllCursor(cursor);
  let at: AllCursor = { count: 0, digest: '' };
  let items: RecordItem[] = [];
  const page = (): Page => ({ items, cursor: writeCursor(allForm, at) });
  for await (const { records } of collection.pages()) {
    for (const sent of records) {
      const item = readRecord(collection.api, sent);
      at = { count: at.count + 1, digest: contentVersion([at.digest, fingerprint(item)]) };
      if (at.count === from.count && at.digest !== from.digest) throw changed();
      if (at.count <= from.count) continue;
      items.push(item);
      if (items.length < pageSize) continue;
      yield page();
      items = [];
    }
  }
  if (at.count < from.count) throw changed();
  yield page();
}

/** The changes since a cursor, or all records, by time of change. */
export async function* readChanges(
  collection: Collection,
  cursor: string | undefined,
  pageSize: number,
): AsyncGenerator<Page> {
  const at = new ChangesPosition(
    collection,
    cursor === undefined ? { time: '', seen: [] } : parseChangesCursor(cursor),
  );
  let items: RecordItem[] = [];
  for await (const item of changedRecords(collection, at)) {
    at.note(item);
    items.push(item.read);
    if (items.length < pageSize) continue;
    yield { items, cursor: at.cursor() };
    items = [];
  }
  yield { items, cursor: at.cursor() };
}

interface TimedRecord {
  read: RecordItem;
  time: string;
  ms: number;
}

/**
 * Requests newer records again after each page, instead of counting pages: a record that is edited meanwhile moves to
 * the end, and counted pages would skip the one in its place. Pages are counted only among records with the same time
 * that fill a page, which are read twice.
 */
async function* changedRecords(collection: Collection, at: ChangesPosition): AsyncGenerator<TimedRecord> {
  for (let restarts = 0; restarts <= maxRestarts;) {
    const since = at.ms;
    let last: ListPage | undefined;
    let isWhole = true;
    for await (const page of collection.pages(at.query())) {
      isWhole = last === undefined || (await last.isUnchanged());
      if (!isWhole) break;
      last = page;
      const { records, isEnd } = at.fresh(page);
      yield* records;
      if (isEnd) return;
      if (at.ms > since) break;
    }
    if (!isWhole) restarts += 1;
    else if (at.ms === since) return;
  }
  throw new ConnectorError('UNAVAILABLE', 'The records change while they are read.');
}

/** Progress of a read by time of change. */
class ChangesPosition {
  readonly #collection: Collection;
  #time: string;
  #ms: number;
  #seen: Set<string>;

  constructor(collection: Collection, { time, seen }: ChangesCursor) {
    this.#collection = collection;
    this.#time = time;
    this.#ms = time === '' ? Number.NEGATIVE_INFINITY : (timeMs(asSent(time)) ?? Number.NEGATIVE_INFINITY);
    this.#seen = new Set(seen);
  }

  get ms(): number {
    return this.#ms;
  }

  query(): [string, string][] {
    const { changedSince = '' } = this.#collection.configuration;
    return this.#time === '' ? [] : [parameter(changedSince, '{time}', this.#time)];
  }

  cursor(): string {
    return writeCursor(changesForm, { time: this.#time, seen: [...this.#seen].slice(-maxSeen) });
  }

  note({ read, time, ms }: TimedRecord): void {
    if (ms > this.#ms) this.#seen = new Set();
    if (ms > this.#ms) this.#ms = ms;
    this.#time = time;
    this.#seen.add(fingerprint(read));
  }

  /**
   * The records of a page that were not read yet, except too recent ones.
   *
   * @throws ConnectorError INVALID when the service does not filter and sort as requested
   */
  fresh({ records, timeMs: now = Date.now() }: ListPage): { records: TimedRecord[]; isEnd: boolean } {
    const { lateSeconds } = this.#collection.configuration;
    const until = lateSeconds === 0 ? Number.POSITIVE_INFINITY : now - lateSeconds * 1_000;
    const fresh: TimedRecord[] = [];
    let before = this.#ms;
    for (const sent of records) {
      const record = this.#timed(sent);
      if (record.ms < before) throw this.#unsorted();
      before = record.ms;
      if (record.ms > until) return { records: fresh, isEnd: true };
      if (record.ms > this.#ms || !this.#seen.has(fingerprint(record.read))) fresh.push(record);
    }
    return { records: fresh, isEnd: false };
  }

  #timed(sent: ExactValue): TimedRecord {
    const { updatedField = '' } = this.#collection.configuration;
    const value = valueAt(sent, updatedField);
    const ms = timeMs(value);
    const time = idText(value);
    if (ms !== undefined && time !== undefined) return { read: readRecord(this.#collection.api, sent), time, ms };
    const description = 'A record has no time there: its changes would never be read.';
    throw configurationError('/updatedField', { reason: 'NO_TIME', description });
  }

  #unsorted(): ConnectorError {
    const isFirst = this.#time === '';
    const description = isFirst
      ? 'The list is not sorted by updatedField, the oldest first. Add what sorts it.'
      : 'The service gives records that were changed earlier, or not in the order of their changes.';
    return configurationError(isFirst ? '/listQuery' : '/changedSince', { reason: 'UNFIT', description });
  }
}

function asSent(time: string): ExactValue {
  return /^\d+(\.\d+)?$/.test(time) ? new ExactNumber(time) : time;
}

function fingerprint(item: RecordItem): string {
  if (item.kind === 'UNREADABLE') return contentVersion([item.id ?? '', JSON.stringify(item.issues)]).slice(0, 12);
  return contentVersion([item.record.id, item.record.version]).slice(0, 12);
}

/** Also for unreadable records. Undefined for a record without id. */
export function keyOf(item: RecordItem): RecordKey | undefined {
  if (item.kind === 'RECORD') return { id: item.record.id, version: item.record.version };
  return item.id === undefined ? undefined : { id: item.id, version: fingerprint(item) };
}

function changed(): ConnectorError {
  return new ConnectorError('CURSOR_EXPIRED', 'The records have changed since. Read them from the beginning.');
}

function parseAllCursor(cursor: string): AllCursor {
  return readCursor<AllCursor>(
    allForm,
    cursor,
    ({ count, digest }) => Number.isSafeInteger(count) && typeof digest === 'string',
  );
}

function parseChangesCursor(cursor: string): ChangesCursor {
  return readCursor<ChangesCursor>(
    changesForm,
    cursor,
    ({ time, seen }) =>
      typeof time === 'string' && Array.isArray(seen) && seen.every((hash: unknown) => typeof hash === 'string'),
  );
}
