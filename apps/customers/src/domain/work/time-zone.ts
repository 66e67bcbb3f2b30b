import { isTimeZone } from '@rapport/contracts/filters';
import type { FieldViolation, ViolationCode } from '@rapport/platform';

export function timeZoneViolations(timeZone: string | undefined): FieldViolation[] {
  if (timeZone === undefined || isTimeZone(timeZone)) return [];
  return [violation('timeZone', 'TIME_ZONE_UNKNOWN', 'must be the IANA name of a time zone, such as "Europe/Berlin"')];
}

export function violation(field: string, reason: ViolationCode, description: string): FieldViolation {
  return { field, reason, description };
}
