import { zoneClock } from '@rapport/time';
import type { TimeFieldTrigger } from '@rapport/contracts/rapport/flows/v1/flow';

const dayMs = 86_400_000;

/** When records of a trigger are due, by the values of its field. */
export interface FieldClock {
  /** The instant at which a record with the value is due. */
  dueMs: (value: string) => number;
  /** The latest value that is due at an instant, as filters of lists write it. */
  latestDue: (atMs: number) => string;
}

/** For times: each is due with its offset. */
export function timeClock({ offsetSeconds }: Pick<TimeFieldTrigger, 'offsetSeconds'>): FieldClock {
  const offsetMs = offsetSeconds * 1_000;
  return {
    dueMs: (value) => Date.parse(value) + offsetMs,
    latestDue: (atMs) => new Date(atMs - offsetMs).toISOString(),
  };
}

/** For dates: each is due at a time of its day in the zone of the workspace, with its offset. */
export function dateClock(
  { offsetSeconds, at = '00:00' }: Pick<TimeFieldTrigger, 'offsetSeconds' | 'at'>,
  zone: string,
): FieldClock {
  const [clock, offsetMs] = [zoneClock(zone), offsetSeconds * 1_000];
  const timeMs = Date.parse(`1970-01-01T${at}:00Z`);
  const dueOf = (dateMs: number) => clock.instants(new Date(dateMs).getUTCFullYear())(dateMs + timeMs) + offsetMs;
  return {
    dueMs: (value) => dueOf(Date.parse(`${value}T00:00:00Z`)),
    latestDue: (atMs) => {
      // No zone is more than a day away from UTC, and a later date is due later.
      let dateMs = Math.floor((atMs - offsetMs) / dayMs) * dayMs + 2 * dayMs;
      while (dueOf(dateMs) > atMs) dateMs -= dayMs;
      return new Date(dateMs).toISOString().slice(0, 10);
    },
  };
}

/** A filter of lists for the records of a trigger that have become due from one instant until another. */
export function dueFilter(
  { field, filter }: Pick<TimeFieldTrigger, 'field' | 'filter'>,
  { latestDue }: FieldClock,
  { afterMs, untilMs }: { afterMs: number; untilMs?: number },
): string {
  const bounds = [
    `${field} > "${latestDue(afterMs)}"`,
    ...(untilMs === undefined ? [] : [`${field} <= "${latestDue(untilMs)}"`]),
  ];
  return [...bounds, ...(filter === undefined ? [] : [`(${filter})`])].join(' AND ');
}

/** The value of a field, such as `closeDate` or `customFields.renewal`, in a record in JSON. */
export function fieldValue(record: Readonly<Record<string, unknown>>, field: string): string | undefined {
  const [top = '', key] = field.split('.');
  const value = key === undefined ? record[top] : (record[top] as Record<string, unknown> | undefined)?.[key];
  return typeof value === 'string' ? value : undefined;
}
