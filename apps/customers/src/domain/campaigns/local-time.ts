import type { CampaignSchedule } from '@rapport/contracts/rapport/marketing/v1/campaign';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { isZone, zoneClock } from '@rapport/time';

const minuteMs = 60_000;

/** The zone whose days begin first: before a local time has come there, it has come nowhere. */
export const firstZone = 'Pacific/Kiritimati';

/** Field of customers with their time zone, unless the schedule names another one. */
const defaultZoneField = 'time_zone';

/**
 * The instant of a local time, such as `2026-03-29T02:30`, in a zone: of a time that a clock change skips the first instant after
 * the gap, of one that it repeats the first of the two.
 */
export function instantOf(localTime: string, zone: string): Date {
  const clock = zoneClock(zone);
  let localMs = Date.parse(`${localTime}:00Z`);
  let instant = clock.occurrence(localMs);
  // The largest gap is a day: Samoa had no 30 December 2011.
  for (; instant === undefined; instant = clock.occurrence(localMs)) localMs += minuteMs;
  return new Date(instant);
}

/** When the e-mail to a customer is due. Undefined: at once. @param fallbackZone of the workspace */
export function dueTimeOf(
  schedule: CampaignSchedule | undefined,
  customer: Customer,
  fallbackZone: string,
): Date | undefined {
  if (schedule?.localTime === undefined) return undefined;
  const zone: unknown = customer.customFields?.[schedule.zoneField ?? defaultZoneField];
  return instantOf(schedule.localTime, typeof zone === 'string' && isZone(zone) ? zone : fallbackZone);
}
