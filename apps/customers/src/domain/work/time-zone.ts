import { isTimeZone } from '@rapport/contracts/filters';
import type { FieldViolation } from '@rapport/platform';

export function timeZoneViolations(timeZone: string | undefined): FieldViolation[] {
  if (timeZone === undefined || isTimeZone(timeZone)) return [];
  return [violation('timeZone', 'UNKNOWN_TIME_ZONE', 'must be the IANA name of a time zone, such as "Europe/Berlin"')];
}

export function violation(field: string, reason: string, description: string): FieldViolation {
  return { field, reason, description };
}
