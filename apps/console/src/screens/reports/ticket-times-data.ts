import { textAt, type Json } from '../../contract/json.ts';

/** What times are grouped by. */
export type TimesBy = 'queueId' | 'ownerId' | 'priority';

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

/** Ended timers of a metric in groups, those that took longest first. @param tickets by their ids */
export function timesOf(
  timers: readonly Json[],
  tickets: ReadonlyMap<string, Json>,
  metric: string,
  by: TimesBy,
): TimesRow[] {
  const groups = new Map<string, Json[]>();
  for (const timer of timers) {
    if (timer.metric !== metric) continue;
    const key = textAt(tickets.get(textAt(timer, 'ticketId')), by);
    groups.set(key, [...(groups.get(key) ?? []), timer]);
  }
  return [...groups].map(([key, of]) => rowOf(key, of)).toSorted((one, other) => other.p90 - one.p90);
}

function rowOf(key: string, timers: readonly Json[]): TimesRow {
  const times = timers.map((timer) => Number(textAt(timer, 'consumedSeconds'))).toSorted((one, other) => one - other);
  const kept = timers.filter(({ state }) => state === 'MET').length / timers.length;
  return { key, count: timers.length, median: quantile(times, 0.5), p90: quantile(times, 0.9), kept };
}

/** The smallest value that is not below a share of the sorted values. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}
