import type { EntityManager } from '@mikro-orm/postgresql';
import { snakeCase } from '@rapport/contracts';
import {
  comparedField,
  dayAt,
  parseFilter,
  readTests,
  restrictionsOf,
  startOfDayMs,
  type ComparedField,
  type Present,
  type Restriction,
} from '@rapport/contracts/filters';
import { queryRows, type Statement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { indexKey } from '../../engine/fields/custom-fields.js';
import { filterTableOf } from '../../engine/fields/filter-fields.js';
import type { RecordType } from '../../engine/fields/record-type.js';
import { fieldOfPath } from '../../engine/query/filter/filter-paths.js';
import { customFieldsIn, presentOf } from '../../engine/query/list/list-conditions.js';
import { customerType } from '../../engine/records/customers/customer-type.js';

/** A bound of a filter that moves with time, such as that of `createTime > now-30d`. */
interface MovingBound {
  path: string;
  type: RecordType;
  field: ComparedField;
  /** Whether it moves at midnight only. */
  isDaily: boolean;
  at: (present: Present) => string;
}

/** The bounds of a filter that move with time. */
export class MovingBounds {
  private constructor(
    private readonly bounds: readonly MovingBound[],
    private readonly timeZone: string,
  ) {}

  static async of(em: EntityManager, filter: string): Promise<MovingBounds> {
    const tree = parseFilter(filter);
    const restrictions = tree ? restrictionsOf(tree).filter(({ values }) => values.some(isRelative)) : [];
    if (!tree || restrictions.length === 0) return new MovingBounds([], 'UTC');
    const type = customerType();
    const fields = restrictions.map(({ field }) => field);
    const [customFields, { timeZone }] = [await customFieldsIn(em, type, fields), await presentOf(em, tree)];
    const bounds = restrictions.flatMap((restriction) => {
      const named = fieldOfPath(type, restriction.field);
      const table = filterTableOf(named.type, customFields.get(named.type.name));
      const field = comparedField(table, named.field, filter, restriction);
      return movingBounds(named.type, field, filter, restriction);
    });
    return new MovingBounds(bounds, timeZone);
  }

  get isEmpty(): boolean {
    return this.bounds.length === 0;
  }

  /** Filters that together select at least the customers for whom the result changes between two times. */
  turnedBetween(from: Date, to: Date): string[] {
    return this.bounds.map(({ path, at }) => {
      const [low = '', high = ''] = [from, to].map((now) => at({ now, timeZone: this.timeZone })).toSorted();
      return `${path} BETWEEN "${low}" AND "${high}"`;
    });
  }

  /** The next time at which a result may change, if nothing else does. */
  async nextTurn(em: EntityManager, now: Date): Promise<Date | undefined> {
    const turns: number[] = [];
    for (const bound of this.bounds) turns.push((await this.#nextOf(em, bound, now)) ?? Number.POSITIVE_INFINITY);
    const next = Math.min(...turns);
    return Number.isFinite(next) ? new Date(next) : undefined;
  }

  async #nextOf(em: EntityManager, { type, field, isDaily, at }: MovingBound, now: Date): Promise<number | undefined> {
    const present = { now, timeZone: this.timeZone };
    if (isDaily) return startOfDayMs(nextDay(dayAt(now, this.timeZone)), this.timeZone);
    const bound = at(present);
    const [row] = await queryRows<{ next: string | Date | null }>(em, nextValue(type, field, bound));
    if (!row?.next) return undefined;
    // The bound moves as fast as time does.
    return now.getTime() + (new Date(row.next).getTime() - Date.parse(bound));
  }
}

function isRelative({ text }: { text: string }): boolean {
  return /^(now|today)([+-]|$)/.test(text);
}

function movingBounds(type: RecordType, field: ComparedField, filter: string, restriction: Restriction): MovingBound[] {
  return readTests(field, filter, restriction).flatMap((test) => {
    if (test.type !== 'ordered') return [];
    return test.bounds.flatMap(({ value }) => {
      const at = (present: Present) => String(value(present));
      const [early, later, nextDays] = times.map(at);
      return early === nextDays ? [] : [{ path: restriction.field, type, field, isDaily: early === later, at }];
    });
  });
}

/** A time, one a millisecond later on the same day, and one on another day. */
const times = [0, 1, 864_000_000].map((ms): Present => ({ now: new Date(1_700_000_000_000 + ms), timeZone: 'UTC' }));

function nextDay(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
}

/** The first value that a bound reaches. One that it equals counts: some comparisons turn when it is passed. */
function nextValue(type: RecordType, field: ComparedField, bound: string): Statement {
  const { tenantId } = currentCaller();
  if (field.type === 'custom') {
    return {
      sql: `select min(value) as next from ${type.table}_order_value where tenant_id = $1 and field = $2 and value >= $3`,
      values: [tenantId, indexKey(field.definition), bound],
    };
  }
  const column = snakeCase(type.sortColumn(field.field));
  return {
    sql: `select min(${column}) as next from ${type.table}
      where tenant_id = $1 and delete_time is null and ${column} >= $2::timestamptz`,
    values: [tenantId, bound],
  };
}
