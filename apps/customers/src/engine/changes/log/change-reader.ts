import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant, type Statement } from '@rapport/persistence';
import { Sealing } from '../../sealing/sealing.js';
import { matcher, type ChangeFilter } from '../feed/change-filter.js';
import { changesInScope } from '../feed/changes-in-scope.js';
import type { ChangeCursors, LogPosition } from './change-cursor.js';
import { changeColumns, charsOf, entryOf, type ChangeEntry, type ChangeRow } from './change-entry.js';
import type { ChangeTail } from './change-tail.js';
import type { LoggedTypes } from './logged-types.js';

/** Changes of a read, and the position up to which it searched. */
export interface ChangeBatch {
  entries: ChangeEntry[];
  place: LogPosition;
  /** Whether more changes are available. */
  hasMore: boolean;
}

/** Most changes that one statement scans when few of them match the filter. */
const maxWindow = 1_000;

/**
 * Characters of values per read: a batch becomes one message, and is in memory as a whole. The change that exceeds the
 * limit is included, so that there always is one.
 */
const maxChars = 1024 * 1024;

/** Reads the log for one reader: from memory if possible, otherwise from the database. */
export class ChangeReader {
  readonly #matches: (entry: ChangeEntry) => boolean;
  /** Whether the filter rejects changes that the database returns. */
  readonly #isPicky: boolean;
  #window = 0;

  /**
   * @param em with the session of the reader's tenant; for the platform, without a tenant
   * @param scope the owners whose records the reader sees, and the visibility rules; undefined for all owners
   */
  constructor(
    private readonly em: EntityManager,
    private readonly tail: ChangeTail,
    private readonly cursors: ChangeCursors,
    private readonly filter: ChangeFilter & { withValues: boolean },
    private readonly scope?: { types: LoggedTypes; owners: readonly string[] },
  ) {
    this.#matches = matcher(filter);
    this.#isPicky = filter.types.length > 0 || filter.fields.length > 0;
  }

  /** The end of the log: the position of a reader of new changes only. */
  async end(): Promise<LogPosition> {
    const { end } = this.tail;
    if (end && this.tail.isFresh) return end;
    const log = await this.#log();
    return { epoch: log.epoch, position: log.end };
  }

  /** The start of the log. */
  async oldest(): Promise<LogPosition> {
    const { epoch, dropped } = await this.#log();
    return { epoch, position: dropped };
  }

  /**
   * The next available changes that match the filter and are visible to the reader.
   *
   * @param most of them; fewer when their values are large
   * @throws AppError CURSOR_EXPIRED when changes after `place` have been dropped, or its position is of a lost history
   */
  async next(place: LogPosition, most: number): Promise<ChangeBatch> {
    const { entries, ...batch } = await this.#nextOfTenant(place, most);
    const seen = entries.length > 0 ? await this.#inScope(entries) : entries;
    return { ...batch, entries: await Sealing.of(this.em).openEntries(this.em, seen) };
  }

  #inScope(entries: ChangeEntry[]): ChangeEntry[] | Promise<ChangeEntry[]> {
    if (!this.scope) return entries;
    return changesInScope(this.scope.types, this.em, entries, this.scope.owners);
  }

  async #nextOfTenant(place: LogPosition, most: number): Promise<ChangeBatch> {
    const kept = this.tail.after(place, this.filter.withValues);
    if (kept) return this.#pick(kept, place, this.tail.end ?? place, most);
    // One more than requested shows whether there are more.
    const limit = Math.max(most + 1, this.#window);
    const page = await this.#page(place.position, limit);
    const isKept = page.epoch === place.epoch || (await this.#isKept(place));
    if (!isKept || place.position < page.dropped) {
      throw this.cursors.expired({ epoch: page.epoch, position: page.dropped });
    }
    const here = { ...place, epoch: page.epoch };
    const last = page.entries.length < limit && !page.isCut ? undefined : page.entries.at(-1);
    const end = Math.max(place.position, last?.position ?? page.end);
    const batch = this.#pick(page.entries, here, { ...here, position: end }, most);
    // With few matches, a larger window saves round trips. With many, a small one avoids reading unused values.
    this.#window = this.#isPicky && batch.entries.length < most ? Math.min(limit * 4, maxWindow) : 0;
    return { ...batch, hasMore: batch.hasMore || last !== undefined };
  }

  #pick(looked: readonly ChangeEntry[], from: LogPosition, end: LogPosition, most: number): ChangeBatch {
    const entries: ChangeEntry[] = [];
    let chars = 0;
    for (const entry of looked) {
      if (!this.#matches(entry)) continue;
      // There is one more than requested.
      if (entries.length === most || (this.filter.withValues && chars >= maxChars)) {
        const position = entries.at(-1)?.position ?? from.position;
        return { entries, place: { ...from, position }, hasMore: true };
      }
      entries.push(entry);
      chars += charsOf(entry);
    }
    return { entries, place: { ...end, position: Math.max(from.position, end.position) }, hasMore: false };
  }

  /** Whether the log still has what it had up to a position of an earlier epoch, such as before a promotion. */
  async #isKept({ epoch, position }: LogPosition): Promise<boolean> {
    const [row] = await readForTenant<{ kept: string | null }>(this.em, {
      name: 'change_log_kept',
      sql: 'select change_log_kept($1) as kept',
      values: [epoch],
    });
    return position <= Number(row?.kept ?? -1);
  }

  async #log(): Promise<{ epoch: string; end: number; dropped: number }> {
    const [row] = await readForTenant<LogRow>(this.em, { name: 'change_log', sql: `${withLog} select * from log` });
    return logOf(row);
  }

  /**
   * One statement, so that all of it is from one moment: the range between the changes and the end is known to be
   * empty.
   */
  async #page(
    position: number,
    limit: number,
  ): Promise<{ epoch: string; end: number; dropped: number; entries: ChangeEntry[]; isCut: boolean }> {
    const rows = await readForTenant<LogRow & Partial<ChangeRow>>(this.em, this.#statement(position, limit));
    const entries = rows.flatMap((row) => (typeof row.position === 'string' ? entryOf(row as ChangeRow) : []));
    return { ...logOf(rows[0]), entries, isCut: rows.at(-1)?.is_cut === true };
  }

  #statement(position: number, limit: number): Statement {
    const { tenantId, withValues } = this.filter;
    if (tenantId !== undefined) {
      return { name: 'changes_of_tenant', sql: changesOfTenant, values: [tenantId, position, limit, maxChars] };
    }
    return withValues
      ? { name: 'changes_of_all', sql: changesOfAll, values: [position, limit, maxChars] }
      : { name: 'bare_changes_of_all', sql: bareChangesOfAll, values: [position, limit] };
  }
}

interface LogRow {
  epoch: string;
  end_position: string;
  dropped_position: string;
}

function logOf(row: LogRow | undefined): { epoch: string; end: number; dropped: number } {
  if (!row) throw new Error('The change log has no state.');
  return { epoch: row.epoch, end: Number(row.end_position), dropped: Number(row.dropped_position) };
}

const withLog = `with log as materialized (
  select epoch, change_log_end() as end_position, dropped_position from change_log_state)`;

const bareChangesOfAll = `${withLog}
  select log.*, ${changeColumns} from log left join changes_after($1, $2, false) on true order by position`;

const changesOfAll = `${withLog}
  select log.*, ${changeColumns}, is_cut from log left join changes_within($1, $2, $3) on true order by position`;

const changesOfTenant = `${withLog}
  select log.*, ${changeColumns}, is_cut from log left join tenant_changes_within($1, $2, $3, $4) on true
  order by position`;
