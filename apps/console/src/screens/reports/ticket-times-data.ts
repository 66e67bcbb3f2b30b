import { itemsAt, textAt, valueAt, type Json } from '../../contract/json.ts';

/** What times are grouped by. */
export type TimesBy = 'QUEUE' | 'OWNER' | 'PRIORITY' | 'WEEK';

/** The times of one metric in one group. */
export interface TimesRow {
  /** Value of what is grouped by; empty for none. */
  key: string;
  count: number;
  /** Working time in seconds. */
  median: number;
  p90: number;
  /** Share of the promises that were kept, from 0 to 1. */
  kept: number;
}

/** The groups of a report that have timers of a metric: those that took longest first, and weeks in their order. */
export function timesOf(report: Json, metric: string, by: TimesBy): TimesRow[] {
  const rows = itemsAt(report, 'rows').flatMap((row) =>
    itemsAt(row, 'metrics')
      .filter((times) => textAt(times, 'metric') === metric)
      .map((times) => rowOf(textAt(row, 'key'), times)),
  );
  return by === 'WEEK' ? rows : rows.toSorted((one, other) => other.p90 - one.p90);
}

function rowOf(key: string, times: Json): TimesRow {
  const count = Number(valueAt(times, 'timerCount') ?? 0);
  return {
    key,
    count,
    median: Number(valueAt(times, 'consumed.medianSeconds') ?? 0),
    p90: Number(valueAt(times, 'consumed.p90Seconds') ?? 0),
    kept: count === 0 ? 1 : Number(valueAt(times, 'keptCount') ?? 0) / count,
  };
}
