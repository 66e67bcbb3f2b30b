import type { Meeting } from '@rapport/contracts/rapport/work/v1/meeting';
import { MeetingsServiceService } from '@rapport/contracts/rapport/work/v1/meetings_service';
import type { FieldViolation } from '@rapport/platform';
import type { RecordChange } from '../../engine/fields/record-definition.js';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';
import { timeZoneViolations, violation } from './time-zone.js';

/** Meetings, at a time or on whole days. */
export const meetings = defineRecord<Meeting>('rapport/Meeting', MeetingsServiceService, {
  indexVersion: 1,
  guard: ({ after }: RecordChange<Meeting>) => [
    ...timeZoneViolations(after.timeZone),
    ...(after.allDay === true ? dayViolations(after) : timeViolations(after)),
  ],
});

export const MeetingsController = recordController(meetings, MeetingsServiceService);

function timeViolations({ startTime, endTime, startDate, endDate }: Meeting): FieldViolation[] {
  if (startDate !== undefined || endDate !== undefined) {
    const field = startDate === undefined ? 'endDate' : 'startDate';
    return [violation(field, 'NOT_ALLOWED', 'must be absent unless allDay is true')];
  }
  if (startTime === undefined) return [violation('startTime', 'REQUIRED', 'is required unless allDay is true')];
  const isReversed = endTime !== undefined && Date.parse(endTime) < Date.parse(startTime);
  return isReversed ? [violation('endTime', 'END_BEFORE_START', 'must not be before startTime')] : [];
}

function dayViolations({ startTime, endTime, startDate, endDate }: Meeting): FieldViolation[] {
  if (startTime !== undefined || endTime !== undefined) {
    const field = startTime === undefined ? 'endTime' : 'startTime';
    return [violation(field, 'NOT_ALLOWED', 'must be absent if allDay is true')];
  }
  if (startDate === undefined) return [violation('startDate', 'REQUIRED', 'is required if allDay is true')];
  const isReversed = endDate !== undefined && endDate < startDate;
  return isReversed ? [violation('endDate', 'END_BEFORE_START', 'must not be before startDate')] : [];
}
